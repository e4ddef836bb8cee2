export { openOutput as openPartial, partialPathOf, writeOutputSync as writeWhole, type OutputFile as PartialFile } from '@facedet/files';
