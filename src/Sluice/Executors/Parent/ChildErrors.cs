namespace Sluice;

/// <summary>What a child writes as errors: passed on to where this process writes its own, and the last of it kept.</summary>
internal sealed class ChildErrors
{
    private const int MaxLines = 5;
    private const int MaxLetters = 300;

    private readonly Lock sync = new();
    private readonly Queue<string> last = new();
    private readonly Task reading;

    public ChildErrors(StreamReader errors) => reading = ReadAsync(errors);

    /// <summary>When the process has ended: what it wrote last. Processes that it has started may still write there; they are not waited for.</summary>
    public async Task<string> EndAsync()
    {
        await reading.WaitAsync(TimeSpan.FromSeconds(1), TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (sync) return last.Count == 0 ? "" : $" It wrote: {string.Join(" / ", last)}";
    }

    // Throws nothing.
    private async Task ReadAsync(StreamReader errors)
    {
        try
        {
            while (await errors.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                await Console.Error.WriteLineAsync(line).ConfigureAwait(false);
                if (string.IsNullOrWhiteSpace(line)) continue;
                lock (sync)
                {
                    if (last.Count == MaxLines) last.Dequeue();
                    last.Enqueue(line.Length <= MaxLetters ? line : string.Concat(line.AsSpan(0, MaxLetters), "…"));
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // gone
        }
    }
}
