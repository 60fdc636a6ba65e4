namespace Sluice.Flows;

// The null of a missing value is T? for a class and Nullable<T> for a struct, so each combination of the two needs a method of its own.

/// <summary><c>Zip(pad: …)</c> of classes with classes.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZips
{
    /// <summary>
    /// Pairs the values of two streams. With padding, it goes on to the end of the longer stream, and null stands for the missing values.
    /// </summary>
    /// <typeparam name="T">The type of the first stream's values.</typeparam>
    /// <typeparam name="TOther">The type of the other stream's values.</typeparam>
    /// <param name="io">The first stream.</param>
    /// <param name="other">The other stream.</param>
    /// <param name="pad">Whether to go on to the end of the longer stream; if false, both end with the shorter one.</param>
    /// <param name="cancellation">Stops reading.</param>
    public static IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad,
        CancellationToken cancellation = default)
        where T : class?
        where TOther : class?
    {
        ArgumentNullException.ThrowIfNull(io);
        return io.PairsAsync(other, pad, static (_, first, _, second) => (first, second), cancellation);
    }
}

/// <summary><c>Zip(pad: …)</c> of structs with structs.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZipsOfValues
{
    /// <inheritdoc cref="PaddedZips.Zip{T, TOther}(IO{T}, IO{TOther}, bool, CancellationToken)"/>
    public static IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad,
        CancellationToken cancellation = default)
        where T : struct
        where TOther : struct
    {
        ArgumentNullException.ThrowIfNull(io);
        return io.PairsAsync<TOther, (T?, TOther?)>(other, pad, static (hasFirst, first, hasSecond, second)
            => (hasFirst ? first : null, hasSecond ? second : null), cancellation);
    }
}

/// <summary><c>Zip(pad: …)</c> of structs with classes.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZipsOfFirstValues
{
    /// <inheritdoc cref="PaddedZips.Zip{T, TOther}(IO{T}, IO{TOther}, bool, CancellationToken)"/>
    public static IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad,
        CancellationToken cancellation = default)
        where T : struct
        where TOther : class?
    {
        ArgumentNullException.ThrowIfNull(io);
        return io.PairsAsync<TOther, (T?, TOther?)>(other, pad,
            static (hasFirst, first, _, second) => (hasFirst ? first : null, second), cancellation);
    }
}

/// <summary><c>Zip(pad: …)</c> of classes with structs.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PaddedZipsOfOtherValues
{
    /// <inheritdoc cref="PaddedZips.Zip{T, TOther}(IO{T}, IO{TOther}, bool, CancellationToken)"/>
    public static IAsyncEnumerable<(T? First, TOther? Second)> Zip<T, TOther>(this IO<T> io, IO<TOther> other, bool pad,
        CancellationToken cancellation = default)
        where T : class?
        where TOther : struct
    {
        ArgumentNullException.ThrowIfNull(io);
        return io.PairsAsync<TOther, (T?, TOther?)>(other, pad,
            static (_, first, hasSecond, second) => (first, hasSecond ? second : null), cancellation);
    }
}
