namespace Orders.Driving;

/// <summary>The error output of a service, through all its lives: the last lines of its log. Any thread.</summary>
internal sealed class ServiceErrors
{
    private const int Kept = 20;
    private readonly Queue<string> lines = [];

    /// <summary>The last lines, the oldest first.</summary>
    public IReadOnlyList<string> Last
    {
        get
        {
            lock (lines) return [.. lines];
        }
    }

    /// <summary>Reads the errors of a process until it ends.</summary>
    /// <returns>The last line.</returns>
    public async Task<string> ReadAsync(StreamReader errors)
    {
        string last = "It did not say why.";
        while (await errors.ReadLineAsync() is { } line)
        {
            if (line.Length == 0) continue;
            last = line;
            lock (lines)
            {
                lines.Enqueue(line);
                if (lines.Count > Kept) lines.Dequeue();
            }
        }
        return last;
    }
}
