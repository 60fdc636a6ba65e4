namespace Sluice.Executors;

/// <summary>
/// The last failures sent to a remote function, so that a failure that it passes on becomes the original exception again.
/// </summary>
/// <remarks>Thread-safe. Older failures come back as their text.</remarks>
internal sealed class SentFailures
{
    private const int Most = 32;

    private readonly Lock sync = new();
    private readonly Queue<Exception> sent = new();
    private long last;

    public int Count
    {
        get
        {
            lock (sync) return sent.Count;
        }
    }

    /// <returns>The id of the failure, from 1.</returns>
    public long Add(Exception e)
    {
        lock (sync)
        {
            if (sent.Count == Most) sent.Dequeue();
            sent.Enqueue(e);
            return ++last;
        }
    }

    /// <returns>The failure; null if the id is unknown or too old.</returns>
    public Exception? Find(long number)
    {
        lock (sync) return number > last - sent.Count && number <= last ? sent.ElementAt((int)(number - (last - sent.Count)) - 1) : null;
    }
}
