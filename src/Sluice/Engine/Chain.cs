namespace Sluice.Engine;

/// <summary>An element of a <see cref="Chain{T}"/>: it holds the link itself, so a run needs no lists for its few parts.</summary>
internal interface IChained<T> where T : class, IChained<T>
{
    /// <summary>The element added before this one; set by the <see cref="Chain{T}"/> only.</summary>
    T? Before { get; set; }
}

/// <summary>
/// A linked list of the parts of one kind, the newest first. Filled by the thread that builds the run, read-only after that.
/// </summary>
internal struct Chain<T> where T : class, IChained<T>
{
    public T? Last { get; private set; }

    public int Count { get; private set; }

    public void Add(T part)
    {
        part.Before = Last;
        Last = part;
        Count++;
    }

    public readonly Enumerator GetEnumerator() => new(Last);

    public struct Enumerator(T? next)
    {
        public T Current { get; private set; } = null!;

        public bool MoveNext()
        {
            if (next is null) return false;
            Current = next;
            next = next.Before;
            return true;
        }
    }
}
