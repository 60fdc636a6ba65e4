namespace Sluice.ChildProcesses;

/// <summary>Copies a child's standard error to this process's, and keeps the last lines for error messages.</summary>
internal sealed class ChildErrors
{
    private const int MaxLetters = 300;

    private readonly Lock sync = new();
    private readonly Queue<string> last = new();
    private readonly int maxLines;
    private readonly Task reading;

    public ChildErrors(StreamReader errors, int maxLines)
    {
        this.maxLines = maxLines;
        reading = ReadAsync(errors);
    }

    /// <summary>The last lines, once the process has ended. Does not wait for its own children, which may still write.</summary>
    public async Task<string> EndAsync()
    {
        await reading.WaitAsync(TimeSpan.FromSeconds(1), TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (sync) return last.Count == 0 ? "" : $" It wrote: {string.Join(" / ", last)}";
    }

    // Never throws.
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
                    if (last.Count == maxLines) last.Dequeue();
                    last.Enqueue(ShortText.Of(line, MaxLetters));
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The child is gone.
        }
    }
}
