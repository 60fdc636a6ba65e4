namespace Sluice;

/// <summary>The failures that a function in a child was told of last, so that one that it passes on is what it was.</summary>
/// <remarks>Thread-safe. An older one comes back as its text says.</remarks>
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

    /// <returns>Its number, from one.</returns>
    public long Add(Exception e)
    {
        lock (sync)
        {
            if (sent.Count == Most) sent.Dequeue();
            sent.Enqueue(e);
            return ++last;
        }
    }

    /// <returns>Null if it is not known, or not any more.</returns>
    public Exception? Find(long number)
    {
        lock (sync) return number > last - sent.Count && number <= last ? sent.ElementAt((int)(number - (last - sent.Count)) - 1) : null;
    }
}
