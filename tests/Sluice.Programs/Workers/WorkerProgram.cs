using Sluice.Flows;

namespace Sluice.Programs;

/// <summary>A program with worker processes: as a worker, as the parent of workers, or as one that fails before it works.</summary>
internal static class WorkerProgram
{
    public static async Task<int> RunAsync(string[] args)
    {
        // Executes functions of flows, or does not get to it.
        switch (args)
        {
            case ["flow-child"]: return await Worker.TryRunAsWorkerAsync(FlowFunctions.All, FlowFunctions.Options) ? 0 : 1;
            case ["flow-child", "knows-less"]: return await Worker.TryRunAsWorkerAsync(new ProcessorFunctions()) ? 0 : 1;
            case ["flow-parent"]:
                if (await Worker.TryRunAsWorkerAsync(FlowFunctions.All, FlowFunctions.Options)) return 0;
                await FlowFunctions.WorkForEverAsync();
                break;
            case ["flow-child", "exits"]: Console.Error.WriteLine("no such setting"); return 7;
            case ["flow-child", "never-asks"]:
                try
                {
                    Supervisor.Attach(new MemoryStreamStore());
                    return 0;
                }
                catch (InvalidOperationException e)
                {
                    Console.Error.WriteLine(e.Message);
                    return 1;
                }
        }

        // A test says how long that takes: until there is a file.
        if (args is ["--sluice-worker", _, "after", var file])
        {
            while (!File.Exists(file)) await Task.Delay(10);
            args = args[..2];
        }

        // Where a worker is not to get to work: before it has asked.
        switch (args)
        {
            case ["--sluice-worker", "exits", ..]: return 7;
            case ["--sluice-worker", "aborts", ..]: Environment.FailFast("as asked"); break;
            case ["--sluice-worker", "never-connects", ..]: await Task.Delay(Timeout.Infinite); break;
        }
        if (args is not ["--sluice-worker", "never-asks", ..] && await Worker.TryRunAsWorkerAsync(args, Bodies.Find)) return 0;

        // As a parent: works until it is killed; tells who its workers are.
        string body = args.Length > 0 ? args[^1] : "pid";
        if (args is ["--sluice-worker", var asked, ..]) body = asked;
        try
        {
            await (Source.Range(0, long.MaxValue) | (n => (int)n) | Pipe.InProcesses<int, int>(body, new() { Workers = 2 })
                | Stage.Named("pids") | Console.WriteLine).RunAsync();
        }
        catch (PipelineException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        return 0;
    }
}
