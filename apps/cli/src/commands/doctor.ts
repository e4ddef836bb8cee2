import { Command } from 'commander';
import { action } from '../shared/context.ts';

export const doctor = () =>
  new Command('doctor')
    .description('show versions, execution providers, missing dependencies and how to install them')
    .option('--json', 'print the results as JSON')
    .action(action(() => import('../run/doctor.ts')));
