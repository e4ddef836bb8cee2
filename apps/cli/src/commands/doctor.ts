import { Command } from 'commander';
import { action } from '../shared/context.ts';

export const doctor = () =>
  new Command('doctor')
    .description('show versions, where models can run, what is missing and how to get it')
    .option('--json', 'print the findings as JSON')
    .action(action(() => import('../run/doctor.ts')));
