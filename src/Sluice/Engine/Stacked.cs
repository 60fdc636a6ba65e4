namespace Sluice.Engine;

/// <summary>An element of a lock-free stack; it holds the link to the element below.</summary>
internal interface IStacked<T> where T : class, IStacked<T>
{
    /// <summary>The element below; null at the bottom.</summary>
    T? Next { get; set; }
}

/// <summary>Lock-free stacks. One party takes a stack as a whole: by an exchange, or when no more elements can be pushed.</summary>
internal static class Stacked
{
    /// <summary>Pushes an element. Any thread.</summary>
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
