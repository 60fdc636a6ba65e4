namespace Sluice.Tests.Graphs;

/// <summary>Collects the unobserved exceptions that the runtime reports and whose messages hold a mark. Of each message it keeps the first
/// four letters.</summary>
internal sealed class UnobservedFailures : IDisposable
{
    private readonly List<string> reported = [];

    public UnobservedFailures() => TaskScheduler.UnobservedTaskException += Report;

    public string Mark { get; } = Guid.NewGuid().ToString();

    /// <summary>Collects garbage until something is reported, and a little more.</summary>
    public async Task<string[]> CollectAsync()
    {
        var rounds = new Rounds(200);
        for (int left = 3; left > 0 && await rounds.GoOnAsync();)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
            lock (reported)
                if (reported.Count > 0) left--;
        }
        lock (reported) return [.. reported];
    }

    public void Dispose() => TaskScheduler.UnobservedTaskException -= Report;

    private void Report(object? sender, UnobservedTaskExceptionEventArgs args)
    {
        lock (reported) reported.AddRange(args.Exception.InnerExceptions.Where(e => e.Message.Contains(Mark, StringComparison.Ordinal))
            .Select(e => e.Message[..4]));
    }
}
