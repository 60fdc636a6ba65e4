namespace Sluice.Graphs;

/// <summary>
/// An argument of a step whose parameter is a collection: values, futures and tasks in brackets (<c>[first, 2, .. others]</c>), an array or
/// list, or the future of a collection.
/// </summary>
/// <typeparam name="T">The type of the elements.</typeparam>
/// <remarks>The step starts when all elements have their values. Interfaces have no implicit conversions: write <c>[.. list]</c>.</remarks>
[CollectionBuilder(typeof(Args), nameof(Args.Create))]
public readonly struct Args<T>
{
    private readonly Arg<T>[]? items;
    private readonly object? whole;                  // without items: a future, or plain values

    internal Args(Arg<T>[] items) => this.items = items;

    internal Args(T[] values) => whole = values;

    private Args(Given list) => whole = list;

    internal Args(Future future) => whole = future
        ?? throw new ArgumentNullException(nameof(future), "A future of a collection was to be passed to a step, and it is null.");

    /// <summary>The future of the whole collection; null for items or plain values.</summary>
    internal Future? Whole => whole as Future;

    internal ReadOnlySpan<Arg<T>> Items => items;

    /// <summary>The values; valid once everything has succeeded.</summary>
    internal T[] Values => whole switch
    {
        null => items is null ? [] : Array.ConvertAll(items, item => item.Value),
        T[] array => array,
        Given list => list.Values,
        Future<T[]> array => array.Use()!,
        _ => [.. (IEnumerable<T>)((Future)whole).UseBoxed()!],
    };

    /// <summary>Passes plain values without a copy: do not change the array until the step has ended.</summary>
    /// <param name="values">The values; not null.</param>
    public static implicit operator Args<T>(T[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return typeof(T) == typeof(object) ? new(Array.ConvertAll(values, value => (Arg<T>)value)) : new(values);
    }

    /// <summary>
    /// The values as a certain collection type. The collection of a future, and a list for a list parameter, are passed as they are.
    /// </summary>
    internal TCollection As<TCollection>() where TCollection : class
    {
        if ((whole is Future future ? future.UseBoxed() : (whole as Given)?.List) is TCollection same
            && (whole is Future || typeof(TCollection) == typeof(List<T>))) return same;
        return (TCollection)(object)(typeof(TCollection) == typeof(List<T>) ? (object)new List<T>(Values) : Values);
    }

    /// <summary>
    /// Passes the present elements of a list, which may change afterwards. Only a step with a <see cref="List{T}"/> parameter gets the list
    /// itself.
    /// </summary>
    /// <param name="values">The values; not null.</param>
    public static implicit operator Args<T>(List<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return typeof(T) == typeof(object) ? values.ToArray() : new Args<T>(new Given(values, [.. values]));
    }

    /// <summary>Passes the values of futures.</summary>
    /// <param name="futures">The futures; the array and its elements are not null.</param>
    public static implicit operator Args<T>(Future<T>[] futures) => Args.Of(futures);

    /// <inheritdoc cref="op_Implicit(Future{T}[])"/>
    public static implicit operator Args<T>(List<Future<T>> futures) => Args.Of(futures);

    /// <summary>Passes the values of tasks.</summary>
    /// <param name="tasks">The tasks; the array and its elements are not null.</param>
    public static implicit operator Args<T>(Task<T>[] tasks) => Args.Of(tasks);

    /// <summary>Passes arguments as elements.</summary>
    /// <param name="items">The arguments; not null.</param>
    public static implicit operator Args<T>(Arg<T>[] items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new((Arg<T>[])items.Clone());
    }

    /// <summary>Passes the collection of a future.</summary>
    /// <param name="whole">The future; not null.</param>
    public static implicit operator Args<T>(Future<T[]> whole) => new((Future)whole);

    /// <inheritdoc cref="op_Implicit(Future{T[]})"/>
    public static implicit operator Args<T>(Future<List<T>> whole) => new((Future)whole);

    /// <inheritdoc cref="op_Implicit(Future{T[]})"/>
    public static implicit operator Args<T>(Future<IReadOnlyList<T>> whole) => new((Future)whole);

    /// <inheritdoc cref="op_Implicit(Future{T[]})"/>
    public static implicit operator Args<T>(Future<IReadOnlyCollection<T>> whole) => new((Future)whole);

    /// <inheritdoc cref="op_Implicit(Future{T[]})"/>
    public static implicit operator Args<T>(Future<IList<T>> whole) => new((Future)whole);

    /// <inheritdoc cref="op_Implicit(Future{T[]})"/>
    public static implicit operator Args<T>(Future<ICollection<T>> whole) => new((Future)whole);

    /// <inheritdoc cref="op_Implicit(Future{T[]})"/>
    public static implicit operator Args<T>(Future<IEnumerable<T>> whole) => new((Future)whole);

    /// <summary>A list, and a copy of its elements at the time of the call.</summary>
    private sealed record Given(List<T> List, T[] Values);

    /// <summary>For the compiler's collection expressions.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public IEnumerator<Arg<T>> GetEnumerator() => ((IEnumerable<Arg<T>>)(items ?? [])).GetEnumerator();
}

/// <summary>Makes collection arguments.</summary>
public static class Args
{
    /// <summary>Makes an argument from the elements of a collection expression.</summary>
    /// <param name="items">Values, futures and tasks.</param>
    public static Args<T> Create<T>(ReadOnlySpan<Arg<T>> items) => new(items.ToArray());

    /// <summary>Passes the values of futures.</summary>
    /// <param name="futures">The futures; the sequence and its elements are not null.</param>
    public static Args<T> Of<T>(IEnumerable<Future<T>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        return new([.. futures.Select(future => (Arg<T>)future)]);
    }

    /// <summary>Passes the values of tasks.</summary>
    /// <param name="tasks">The tasks; the sequence and its elements are not null.</param>
    public static Args<T> Of<T>(IEnumerable<Task<T>> tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        return new([.. tasks.Select(task => (Arg<T>)task)]);
    }
}
