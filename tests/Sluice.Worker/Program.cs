using Sluice;
using Sluice.Workers;

// Where a worker is not to get to work: before it has asked.
switch (args)
{
    case ["--sluice-worker", "exits", ..]: return 7;
    case ["--sluice-worker", "aborts", ..]: Environment.FailFast("as asked"); break;
    case ["--sluice-worker", "never-connects", ..]: await Task.Delay(Timeout.Infinite); break;
}
if (args is not ["--sluice-worker", "never-asks", ..] && await Worker.RunIfAskedAsync(args, Bodies.Find)) return 0;

// As a parent: works until it is killed; tells who its workers are.
string body = args.Length > 0 ? args[^1] : "pid";
if (args is ["--sluice-worker", var asked, ..]) body = asked;
try
{
    await (Source.Range(0, long.MaxValue) | (n => (int)n) | Pipe.InProcesses<int, int>(body, new() { Workers = 2 }) | Stage.Named("pids") | Console.WriteLine).RunAsync();
}
catch (PipelineException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
return 0;
