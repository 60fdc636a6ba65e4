using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

// A value of type int has no null: so what a pair has in its place depends on whether its types are structures, and each combination is a method of its own.

/// <summary><c>Zip(pad: …)</c> of objects with objects.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZips
{
    /// <summary>The values of two streams, pair by pair, to the end of the longer one: null stands in the place of the values that the other one lacks.</summary>
    /// <typeparam name="T">The type of the first stream's values.</typeparam>
    /// <typeparam name="TOther">The type of the other stream's values.</typeparam>
    /// <param name="io">The first stream.</param>
    /// <param name="other">The other stream.</param>
    /// <param name="pad">Whether the longer one goes on; if false, both end with the shorter one.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad, [EnumeratorCancellation] CancellationToken cancellation = default)
        where T : class?
        where TOther : class?
    {
        ArgumentNullException.ThrowIfNull(io);
        await foreach (var (_, first, _, second) in io.PairsAsync(other, pad, cancellation).ConfigureAwait(false))
            yield return (first, second);
    }
}

/// <summary><c>Zip(pad: …)</c> of values with values.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZipsOfValues
{
    /// <inheritdoc cref="PaddedZips.Zip{T, TOther}(IO{T}, IO{TOther}, bool, CancellationToken)"/>
    public static async IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad, [EnumeratorCancellation] CancellationToken cancellation = default)
        where T : struct
        where TOther : struct
    {
        ArgumentNullException.ThrowIfNull(io);
        await foreach (var (hasFirst, first, hasSecond, second) in io.PairsAsync(other, pad, cancellation).ConfigureAwait(false))
            yield return (hasFirst ? first : null, hasSecond ? second : null);
    }
}

/// <summary><c>Zip(pad: …)</c> of values with objects.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZipsOfFirstValues
{
    /// <inheritdoc cref="PaddedZips.Zip{T, TOther}(IO{T}, IO{TOther}, bool, CancellationToken)"/>
    public static async IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad, [EnumeratorCancellation] CancellationToken cancellation = default)
        where T : struct
        where TOther : class?
    {
        ArgumentNullException.ThrowIfNull(io);
        await foreach (var (hasFirst, first, _, second) in io.PairsAsync(other, pad, cancellation).ConfigureAwait(false))
            yield return (hasFirst ? first : null, second);
    }
}

/// <summary><c>Zip(pad: …)</c> of objects with values.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZipsOfOtherValues
{
    /// <inheritdoc cref="PaddedZips.Zip{T, TOther}(IO{T}, IO{TOther}, bool, CancellationToken)"/>
    public static async IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad, [EnumeratorCancellation] CancellationToken cancellation = default)
        where T : class?
        where TOther : struct
    {
        ArgumentNullException.ThrowIfNull(io);
        await foreach (var (_, first, hasSecond, second) in io.PairsAsync(other, pad, cancellation).ConfigureAwait(false))
            yield return (first, hasSecond ? second : null);
    }
}
