using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>The newest dead letters of a run, at most <c>capacity</c> of them. Thread-safe.</summary>
internal sealed class DeadLetterBox(int capacity)
{
    private readonly Lock sync = new();
    private Queue<DeadLetter>? letters;

    public void Add(DeadLetter letter)
    {
        lock (sync)
        {
            letters ??= new Queue<DeadLetter>();
            if (letters.Count >= capacity) letters.Dequeue();
            letters.Enqueue(letter);
        }
    }

    public DeadLetter[] ToArray()
    {
        lock (sync) return letters?.ToArray() ?? [];
    }
}
