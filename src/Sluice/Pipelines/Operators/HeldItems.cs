namespace Sluice.Pipelines;

/// <summary>The items that wait for partners, the oldest first, each stored in a row of its own.</summary>
/// <param name="prefix">The prefix of the keys of its rows.</param>
/// <param name="maxDeleted">The number of rows that one commit deletes; later commits delete the rest. The owner must recognize stored
/// items that were already released.</param>
internal sealed class HeldItems<T>(string prefix, int maxDeleted) : IStateful
{
    private readonly Queue<Held<T>> items = new();
    private readonly List<Held<T>> added = [];       // since the last commit
    private readonly Queue<string> gone = new();
    private long next;

    public int Count => items.Count;

    /// <summary>All of them, the oldest first.</summary>
    public IEnumerable<Held<T>> Items => items;

    public Held<T> Add(T item, long at, bool isStored)
    {
        var held = new Held<T>(item, at, next++);
        items.Enqueue(held);
        if (isStored) added.Add(held);
        return held;
    }

    public bool TryPeek([MaybeNullWhen(false)] out Held<T> oldest) => items.TryPeek(out oldest);

    public Held<T> Take()
    {
        Held<T> oldest = items.Dequeue();
        oldest.IsGone = true;
        if (oldest.IsStored) gone.Enqueue(RowOf(oldest));
        return oldest;
    }

    public void Restore(StateReader stored)
    {
        foreach (string row in stored.Keys)              // in their order
        {
            if (!row.StartsWith(prefix, StringComparison.Ordinal)) continue;
            string[] numbers = row[prefix.Length..].Split('/');
            next = long.Parse(numbers[0], CultureInfo.InvariantCulture);
            Held<T> held = new(stored.Get<T>(row), long.Parse(numbers[1], CultureInfo.InvariantCulture), next++)
            {
                IsStored = true,
                HasMet = true
            };
            items.Enqueue(held);
        }
    }

    public void Save(StateWriter changes)
    {
        foreach (Held<T> held in added)
        {
            if (held.IsGone) continue;
            changes.Put(RowOf(held), held.Item);
            held.IsStored = true;
        }
        added.Clear();
        for (int i = 0; i < maxDeleted && gone.TryDequeue(out string? row); i++) changes.Delete(row);
    }

    private string RowOf(Held<T> held) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{held.Number:D19}/{held.At}");
}

/// <summary>An item that waits for a partner.</summary>
internal sealed class Held<T>(T item, long at, long number)
{
    public T Item => item;

    /// <summary>The time at which it came, by the clock of its stage.</summary>
    public long At => at;

    public long Number => number;

    /// <summary>Whether it has had a partner. True after a restart, because it may have had one before.</summary>
    public bool HasMet { get; set; }

    public bool IsStored { get; set; }

    public bool IsGone { get; set; }
}
