#!/usr/bin/env node
import { Command } from 'commander';
import { commands } from './commands/index.ts';

const program = new Command('facedet').description('Find faces in images and video, follow them, steady them, blur them.');
for (const command of commands) program.addCommand(command());
await program.parseAsync();
