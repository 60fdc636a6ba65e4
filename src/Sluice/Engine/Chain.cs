namespace Sluice;

/// <summary>A part of a run that knows the part before it, so that a run needs no lists for its few parts.</summary>
internal interface IChained<T> where T : class, IChained<T>
{
    /// <summary>The part added before this one; belongs to the <see cref="Chain{T}"/>.</summary>
    T? Before { get; set; }
}

/// <summary>The parts of one kind, the last that was added first. Filled by the thread that builds the run, read-only after that.</summary>
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
