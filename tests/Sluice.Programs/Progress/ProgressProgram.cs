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
            case "floods": await FloodAsync(); break;
            case "elsewhere": await PrintElsewhereAsync(); break;
            case "errors elsewhere": Console.SetError(new StreamWriter("errors.txt") { AutoFlush = true }); await TwoAsync(); break;
            case "returns": await CountAsync(); break;
            case "open end": await LeaveWithOpenEndAsync(); return 0;
            case "exits": await LeaveWithOpenEndAsync(); Environment.Exit(0); break;
            case "crashes": await CrashAsync(); break;
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
        var half = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Print(int number)
        {
            Console.WriteLine($"number {number}");
            if (number == 3) half.SetResult();
        }
        await using PipelineRun run = (Source.From(Enumerable.Range(1, 6)) | Work | Print).Start();
        await using ProgressDisplay progress = run.ShowProgress(new() { Title = "printed" });
        Console.ReadLine();
        await half.Task;
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

    private static async Task FloodAsync()
    {
        await using PipelineRun run = (Source.From(Enumerable.Range(1, 100_000))
            | (static number => Console.WriteLine($"number {number}"))).Start();
        await using ProgressDisplay progress = run.ShowProgress(new() { Title = "flood", RefreshInterval = TimeSpan.FromMilliseconds(50) });
        await run.Completion;
    }

    private static async Task PrintElsewhereAsync()
    {
        TextWriter console = Console.Out;
        await using (var file = new StreamWriter("results.txt") { AutoFlush = true })
        {
            Console.SetOut(file);
            await PrintAsync();
        }
        Console.SetOut(console);
    }

    private static async Task CountAsync()
    {
        var gate = new SemaphoreSlim(0);
        await using PipelineRun run = Waiting(gate).Start();
        await using ProgressDisplay progress = run.ShowProgress(new() { Title = "returns" });
        for (int step = 1; step <= 3; step++) Console.Write($"\rstep {step}");
        gate.Release();
        await run.Completion;
    }

    // The display is shown when the process ends.
    private static async Task LeaveWithOpenEndAsync()
    {
        var gate = new SemaphoreSlim(0);
        PipelineRun run = Waiting(gate).Start();
        run.ShowProgress(new() { Title = "open", RefreshInterval = TimeSpan.FromHours(1) });
        gate.Release();
        await run.Completion;
        Console.WriteLine("a line");
        Console.WriteLine("another line");
        Console.Write("result: 42");
        await Console.Out.FlushAsync();
    }

    private static Pipeline Waiting(SemaphoreSlim gate)
        => Source.From([1]) | (async ValueTask (int _, CancellationToken cancellation) => await gate.WaitAsync(cancellation));

    private static async Task CrashAsync()
    {
        await LeaveWithOpenEndAsync();
        var thread = new Thread(static () => throw new InvalidOperationException("no luck"));
        thread.Start();
        thread.Join();
    }
}
