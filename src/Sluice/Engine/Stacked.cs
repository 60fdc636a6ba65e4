namespace Sluice;

/// <summary>Something that is put on a stack of its kind by any thread, and knows what is below it.</summary>
internal interface IStacked<T> where T : class, IStacked<T>
{
    /// <summary>What is below; null at the bottom.</summary>
    T? Next { get; set; }
}

/// <summary>Stacks without a lock, of what hangs on something. What is on them is taken by one party, as a whole: by an exchange, or when nobody pushes any more.</summary>
internal static class Stacked
{
    /// <summary>Puts something on top. Any thread.</summary>
    public static void Push<T>(ref T? newest, T item) where T : class, IStacked<T>
    {
        T? seen = Volatile.Read(ref newest);
        while (true)
        {
            item.Next = seen;
            T? found = Interlocked.CompareExchange(ref newest, item, seen);
            if (ReferenceEquals(found, seen)) return;
            seen = found;
        }
    }
}
