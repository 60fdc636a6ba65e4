using System.Runtime.CompilerServices;

namespace Sluice.Flows;

/// <summary>
/// A stream of a run that a function reads. Any number of readers may read it, at the same time or again; each sees all values.
/// </summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <remarks>
/// <para>Thread-safe. Values come in the order in which they were written.</para>
/// <para>All methods throw a <see cref="FlowException"/> if the stream has failed (with the first failure), or if a value is not a
/// <typeparamref name="T"/> or has left the store.</para>
/// </remarks>
public sealed class IO<T>
{
    private readonly IInputPort port;
    private readonly IPayloadSerializer<T> serializer;

    internal IO(IInputPort port, PayloadSerializers serializers) => (this.port, serializer) = (port, serializers.For<T>());

    /// <summary>The name of the stream in the flow.</summary>
    public string Name => port.Name;

    /// <summary>Whether a reader here has reached the end of the stream.</summary>
    public bool IsComplete => port.IsComplete;

    /// <summary>Waits for the first value. Does not wait for later values, nor hold up their writer.</summary>
    /// <exception cref="FlowException">The stream is complete and empty, or cannot be read (see the type).</exception>
    public async ValueTask<T> FirstAsync(CancellationToken cancellation = default)
    {
        PortReader reader = await port.OpenAsync(ReadFrom.First, isCounted: false, cancellation).ConfigureAwait(false);
        try
        {
            if (!await reader.ReadAsync(cancellation).ConfigureAwait(false))
                throw new FlowException(
                    $"The stream {Name} is complete and empty: it has no first value. Read it by StreamAsync if that is meant to be "
                        + $"possible.");
            T value = Read(reader);
            port.Boundary?.Telemetry.Look(reader.Current.Headers);
            return value;
        }
        finally
        {
            await port.ReleaseAsync(reader, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Reads all values from the first on, as they are written, until the stream is complete.</summary>
    public IAsyncEnumerable<T> StreamAsync(CancellationToken cancellation = default) => StreamAsync(ReadFrom.First, cancellation);

    /// <summary>Reads all values from a position on, as they are written, until the stream is complete.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="cancellation">Stops reading.</param>
    public IAsyncEnumerable<T> StreamAsync(ReadFrom from, CancellationToken cancellation = default)
        => ValueLoop.Sequence(port.Boundary?.Telemetry, loop => StreamAsync(from, loop, cancellation));

    /// <summary>
    /// Pairs the values of two streams, in order. Ends with the shorter stream; with <c>pad: true</c> (an extension method), null stands
    /// for the missing values.
    /// </summary>
    /// <typeparam name="TOther">The type of the other stream's values.</typeparam>
    /// <param name="other">The other stream.</param>
    /// <param name="cancellation">Stops reading.</param>
    public IAsyncEnumerable<(T First, TOther Second)> Zip<TOther>(IO<TOther> other, CancellationToken cancellation = default)
        => PairsAsync(other, pad: false, static (_, first, _, second) => (first!, second!), cancellation);

    /// <summary>The pairs, made of flags that tell a missing value from a null, and the values.</summary>
    internal IAsyncEnumerable<TPair> PairsAsync<TOther, TPair>(IO<TOther> other, bool pad, Func<bool, T?, bool, TOther?, TPair> pair,
        CancellationToken cancellation)
        => ValueLoop.Sequence(port.Boundary?.Telemetry, loop => PairsAsync(other, pad, pair, loop, cancellation));

    private async IAsyncEnumerable<T> StreamAsync(ReadFrom from, ValueLoop? values,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using IDisposable? loop = port.Boundary?.Enter(Name);
        PortReader reader = await port.OpenAsync(from, isCounted: true, cancellation).ConfigureAwait(false);
        try
        {
            while (true)
            {
                values?.End();
                reader.Pass();
                if (port.Boundary is { } boundary) await boundary.ReachAsync(!reader.HasNext, cancellation).ConfigureAwait(false);
                if (!await reader.ReadAsync(cancellation).ConfigureAwait(false)) yield break;
                T value = Read(reader);
                values?.Begin(Name, port.Stream, reader.Current);
                yield return value;
            }
        }
        finally
        {
            values?.Leave();
            await port.ReleaseAsync(reader, cancellation).ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<TPair> PairsAsync<TOther, TPair>(IO<TOther> other, bool pad,
        Func<bool, T?, bool, TOther?, TPair> pair, ValueLoop? values, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(other);
        using IDisposable? loop = port.Boundary?.Enter($"{Name} and {other.Name}");
        PortReader left = await port.OpenAsync(ReadFrom.First, isCounted: true, cancellation).ConfigureAwait(false);
        PortReader? right = null;
        try
        {
            right = await other.port.OpenAsync(ReadFrom.First, isCounted: true, cancellation).ConfigureAwait(false);
            while (true)
            {
                values?.End();
                left.Pass();
                right.Pass();
                if (port.Boundary is { } boundary) await boundary.ReachAsync(!left.HasNext || !right.HasNext, cancellation)
                    .ConfigureAwait(false);
                bool hasLeft = await left.ReadAsync(cancellation).ConfigureAwait(false);
                if (!hasLeft && !pad) yield break;
                bool hasRight = await right.ReadAsync(cancellation).ConfigureAwait(false);
                if (pad ? !hasLeft && !hasRight : !hasRight) yield break;
                TPair made = pair(hasLeft, hasLeft ? Read(left) : default, hasRight, hasRight ? other.Read(right) : default);
                if (hasLeft) values?.Begin(Name, port.Stream, left.Current, hasRight ? right.Current.Headers : default);
                else values?.Begin(other.Name, other.port.Stream, right.Current);
                yield return made;
            }
        }
        finally
        {
            values?.Leave();
            try
            {
                await port.ReleaseAsync(left, cancellation).ConfigureAwait(false);
            }
            finally
            {
                if (right is not null) await other.port.ReleaseAsync(right, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Merges several streams: each value as it comes, with the name of its stream, until all are complete. The values of one stream stay
    /// in order.
    /// </summary>
    /// <param name="others">The other streams.</param>
    public IAsyncEnumerable<(string Name, T Value)> Merge(params IReadOnlyList<IO<T>> others) => Merge(others, CancellationToken.None);

    /// <summary>
    /// Merges several streams: each value as it comes, with the name of its stream, until all are complete. The values of one stream stay
    /// in order.
    /// </summary>
    /// <param name="others">The other streams.</param>
    /// <param name="cancellation">Stops reading.</param>
    public IAsyncEnumerable<(string Name, T Value)> Merge(IReadOnlyList<IO<T>> others, CancellationToken cancellation)
        => ValueLoop.Sequence(port.Boundary?.Telemetry, loop => Merge(others, loop, cancellation));

    private async IAsyncEnumerable<(string Name, T Value)> Merge(IReadOnlyList<IO<T>> others, ValueLoop? values,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(others);
        IO<T>[] all = [this, .. others];
        using IDisposable? loop = port.Boundary?.Enter(string.Join(" and ", all.Select(one => one.Name)));
        using var merge = new PortMerge(port.Boundary, cancellation);
        try
        {
            foreach (IO<T> one in all) merge.Add(one.port,
                await one.port.OpenAsync(ReadFrom.First, isCounted: true, cancellation).ConfigureAwait(false));
            while (await merge.NextAsync(values).ConfigureAwait(false) is { } next)
            {
                IO<T> from = all[next.Index];
                T value = from.Read(next.Reader);
                values?.Begin(from.Name, from.port.Stream, next.Reader.Current);
                yield return (from.Name, value);
            }
        }
        finally
        {
            values?.Leave();
            await merge.ReleaseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Refused: <c>await foreach (var value in io)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("SLU033: read the values of a stream by a call. Write 'await foreach (var value in io.StreamAsync(cancellation))', or "
        + "'await io.FirstAsync(cancellation)' for the first one.", error: true)]
    public IAsyncEnumerator<T> GetAsyncEnumerator() => throw new NotSupportedException();

    private T Read(PortReader reader)
    {
        try
        {
            return serializer.Read(reader.Deliver(), port.Stream, partition: 0);
        }
        catch (PayloadException e)
        {
            throw port.Unreadable(reader.Current.Sequence, typeof(T), e);
        }
    }
}
