using Sluice.Progress;

namespace Sluice.Programs;

/// <summary>Programs that show progress on their terminal. Each goes on when a line comes in.</summary>
internal static class ProgressProgram
{
    public static async Task<int> RunAsync(string what)
    {
        switch (what)
        {
            case "run": await RunAsync(items: 100, failsAt: null); break;
            case "prints": await PrintAsync(); break;
            case "fails": await RunAsync(items: 100, failsAt: 7); break;
            case "nothing": await RunAsync(items: 0, failsAt: null); break;
            case "two": await TwoAsync(); break;
            case "left": LeaveOpen(); break;
            default: throw new ArgumentException($"There is no program {what}.");
        }
        Console.WriteLine("the end");
        return 0;
    }

    // Half of the items, a line, and the other half.
    private static async Task RunAsync(int items, int? failsAt)
    {
        var gate = new SemaphoreSlim(0);
        async ValueTask<int> Work(int number, CancellationToken cancellation)
        {
            if (number == failsAt) throw new InvalidOperationException("no luck\e[2J with seven");
            if (number == items / 2) await gate.WaitAsync(cancellation);
            return number;
        }
        await using PipelineRun run = (Source.From(Enumerable.Range(1, items)) | Work | (static _ => { })).Start();
        await using ProgressDisplay progress = run.ShowProgress(new() { ExpectedItems = Math.Max(1, items), Title = "numbers" });
        if (items > 0 && failsAt is null) Console.ReadLine();
        gate.Release();
        await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task PrintAsync()
    {
        var gate = new SemaphoreSlim(0);
        async ValueTask<int> Work(int number, CancellationToken cancellation)
        {
            if (number == 4) await gate.WaitAsync(cancellation);
            return number;
        }
        await using PipelineRun run = (Source.From(Enumerable.Range(1, 6)) | Work
            | (static number => Console.WriteLine($"number {number}"))).Start();
        await using ProgressDisplay progress = run.ShowProgress(new() { Title = "printed" });
        Console.ReadLine();
        Console.Write("not complete");
        gate.Release();
        await run.Completion;
    }

    private static async Task TwoAsync()
    {
        var gate = new SemaphoreSlim(0);
        async ValueTask Work(int number, CancellationToken cancellation) => await gate.WaitAsync(cancellation);
        await using PipelineRun first = (Source.From([1]) | Work).Start();
        await using PipelineRun second = (Source.From([1, 2]) | Work).Start();
        await using ProgressDisplay one = first.ShowProgress(new() { Title = "first" });
        await using ProgressDisplay other = second.ShowProgress(new() { Title = "second" });
        Console.ReadLine();
        gate.Release(3);
        await Task.WhenAll(first.Completion, second.Completion);
    }

    // Neither the run nor the display is disposed.
    private static void LeaveOpen()
    {
        PipelineRun run = (Source.From(Enumerable.Range(1, 10)) | (static _ => { })).Start();
        run.ShowProgress(new() { Title = "left" });
        Console.ReadLine();
    }
}
