using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// An argument of a step that takes a collection: values, futures and tasks mixed, <c>[first, 2, .. others]</c>; an array or a list of them; or the future of a whole collection.
/// </summary>
/// <typeparam name="T">An element.</typeparam>
/// <remarks>The step starts when all elements have their values. An interface cannot be converted implicitly: write <c>[.. list]</c>.</remarks>
[CollectionBuilder(typeof(Args), nameof(Args.Create))]
public readonly struct Args<T>
{
    private readonly Arg<T>[]? items;
    private readonly object? whole;                  // where there are no items: a future, or an array of values

    internal Args(Arg<T>[] items) => this.items = items;

    internal Args(T[] values) => whole = values;

    private Args(Given list) => whole = list;

    internal Args(Future future) => whole = future ?? throw new ArgumentNullException(nameof(future), "A future of a collection was to be passed to a step, and it is null.");

    /// <summary>What is waited for as a whole; null where there are items, or plain values.</summary>
    internal Future? Whole => whole as Future;

    internal ReadOnlySpan<Arg<T>> Items => items;

    /// <summary>Valid when everything has ended well.</summary>
    internal T[] Values => whole switch
    {
        null => items is null ? [] : Array.ConvertAll(items, item => item.Value),
        T[] array => array,
        Given list => list.Values,
        Future<T[]> array => array.Use()!,
        _ => [.. (IEnumerable<T>)((Future)whole).UseBoxed()!],
    };

    /// <summary>Plain values, passed as they are: leave the array alone until the step has ended.</summary>
    /// <param name="values">Not null.</param>
    public static implicit operator Args<T>(T[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return typeof(T) == typeof(object) ? new(Array.ConvertAll(values, value => (Arg<T>)value)) : new(values);
    }

    /// <summary>The values as one collection of a type: the collection of a future, or a list where a list is taken, is passed on as it is.</summary>
    internal TCollection As<TCollection>() where TCollection : class
    {
        if ((whole is Future future ? future.UseBoxed() : (whole as Given)?.List) is TCollection same && (whole is Future || typeof(TCollection) == typeof(List<T>))) return same;
        return (TCollection)(object)(typeof(TCollection) == typeof(List<T>) ? (object)new List<T>(Values) : Values);
    }

    /// <summary>Plain values, as they are in the list at the call: it may be changed afterwards. Only a step that takes a <see cref="List{T}"/> gets the list itself.</summary>
    /// <param name="values">Not null.</param>
    public static implicit operator Args<T>(List<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return typeof(T) == typeof(object) ? values.ToArray() : new Args<T>(new Given(values, [.. values]));
    }

    /// <summary>The values of futures.</summary>
    /// <param name="futures">Not null, and none of them null.</param>
    public static implicit operator Args<T>(Future<T>[] futures) => Args.Of(futures);

    /// <inheritdoc cref="op_Implicit(Future{T}[])"/>
    public static implicit operator Args<T>(List<Future<T>> futures) => Args.Of(futures);

    /// <summary>The values of tasks.</summary>
    /// <param name="tasks">Not null, and none of them null.</param>
    public static implicit operator Args<T>(Task<T>[] tasks) => Args.Of(tasks);

    /// <summary>Arguments.</summary>
    /// <param name="items">Not null.</param>
    public static implicit operator Args<T>(Arg<T>[] items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new((Arg<T>[])items.Clone());
    }

    /// <summary>The elements that a future will have.</summary>
    /// <param name="whole">Not null.</param>
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

    /// <summary>A list, and what was in it at the call.</summary>
    private sealed record Given(List<T> List, T[] Values);

    /// <summary>For the compiler: what was given in brackets.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public IEnumerator<Arg<T>> GetEnumerator() => ((IEnumerable<Arg<T>>)(items ?? [])).GetEnumerator();
}

/// <summary>Makes collections of arguments.</summary>
public static class Args
{
    /// <summary>What stands in brackets.</summary>
    /// <param name="items">Values, futures and tasks.</param>
    public static Args<T> Create<T>(ReadOnlySpan<Arg<T>> items) => new(items.ToArray());

    /// <summary>The values of futures.</summary>
    /// <param name="futures">Not null, and none of them null.</param>
    public static Args<T> Of<T>(IEnumerable<Future<T>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        return new([.. futures.Select(future => (Arg<T>)future)]);
    }

    /// <summary>The values of tasks.</summary>
    /// <param name="tasks">Not null, and none of them null.</param>
    public static Args<T> Of<T>(IEnumerable<Task<T>> tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        return new([.. tasks.Select(task => (Arg<T>)task)]);
    }
}
