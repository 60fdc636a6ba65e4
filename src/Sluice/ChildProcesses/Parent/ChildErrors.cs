namespace Sluice.ChildProcesses;

/// <summary>Copies a child's standard error to this process's, and keeps the last lines for error messages.</summary>
internal sealed class ChildErrors
{
    private const int MaxLetters = 300;
    private const int MaxLine = 16 * 1024;           // letters; a longer line is copied in parts, so that it needs no more memory

    private readonly Lock sync = new();
    private readonly Queue<string> last = new();
    private readonly int maxLines;
    private readonly Func<TextWriter> output;
    private readonly Task reading;

    /// <param name="errors">The child's standard error; disposed at its end.</param>
    /// <param name="maxLines">The number of lines that are kept.</param>
    /// <param name="output">Where the lines are copied to; this process's standard error unless given.</param>
    public ChildErrors(TextReader errors, int maxLines, Func<TextWriter>? output = null)
    {
        this.maxLines = maxLines;
        this.output = output ?? (static () => Console.Error);
        reading = ReadAsync(errors);
    }

    /// <summary>The last lines, once the process has ended. Does not wait for its own children, which may still write.</summary>
    public async Task<string> EndAsync()
    {
        await reading.WaitAsync(TimeSpan.FromSeconds(1), TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (sync) return last.Count == 0 ? "" : $" It wrote: {string.Join(" / ", last)}";
    }

    // Never throws.
    private async Task ReadAsync(TextReader errors)
    {
        char[] letters = new char[4096];
        var line = new StringBuilder();
        bool isRest = false;                         // of a line that is copied in parts
        char before = '\0';
        using TextReader _ = errors;
        try
        {
            while (await errors.ReadAsync(letters).ConfigureAwait(false) is > 0 and var count)
            {
                for (int i = 0; i < count; i++)
                {
                    (char previous, before) = (before, letters[i]);
                    if (before is '\n' && previous is '\r') continue;
                    bool isEnd = before is '\n' or '\r';
                    if (!isEnd) line.Append(before);
                    if (!isEnd && (line.Length < MaxLine || char.IsHighSurrogate(before))) continue;
                    await TakeAsync(line, isRest).ConfigureAwait(false);
                    isRest = !isEnd;
                }
            }
            if (line.Length > 0) await TakeAsync(line, isRest).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The child is gone.
        }
    }

    // Never throws.
    private async Task TakeAsync(StringBuilder letters, bool isRest)
    {
        string line = letters.ToString();
        letters.Clear();
        if (!isRest) Keep(line);
        else if (line.Length == 0) return;           // the line ends where its last part does
        try
        {
            await output().WriteLineAsync(line).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The copy has failed, for example because the disk is full. The reading goes on: a child whose pipe is full waits for ever.
        }
    }

    private void Keep(string line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (sync)
        {
            if (last.Count == maxLines) last.Dequeue();
            last.Enqueue(ShortText.Of(line, MaxLetters));
        }
    }
}
