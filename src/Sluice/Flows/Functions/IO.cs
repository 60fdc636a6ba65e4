using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A stream of a run, to be read: as often, and by as many at a time, as is wanted, each of whom sees everything. It cannot be written.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <remarks>
/// <para>Thread-safe. Values come in the order in which they were written.</para>
/// <para>All methods throw <see cref="FlowException"/> where the stream has failed, with what failed first; or where a value cannot be read as a <typeparamref name="T"/>, or has left the store.</para>
/// </remarks>
public sealed class IO<T>
{
    private readonly IInputPort port;
    private readonly IPayloadSerializer<T> serializer;

    internal IO(IInputPort port, PayloadSerializers serializers) => (this.port, serializer) = (port, serializers.For<T>());

    /// <summary>The stream's name in the flow.</summary>
    public string Name => port.Name;

    /// <summary>Whether somebody who reads here has seen that no more values come.</summary>
    public bool IsComplete => port.IsComplete;

    /// <summary>Waits for the first value. What comes behind it is not waited for, and holds nobody up.</summary>
    /// <exception cref="FlowException">The stream is complete and has none; or as above.</exception>
    public async ValueTask<T> FirstAsync(CancellationToken cancellation = default)
    {
        PortReader reader = await port.OpenAsync(ReadFrom.First, isCounted: false, cancellation).ConfigureAwait(false);
        try
        {
            if (!await reader.ReadAsync(cancellation).ConfigureAwait(false))
                throw new FlowException($"The stream {Name} is complete and empty: it has no first value. Read it by StreamAsync if that is meant to be possible.");
            return Read(reader);
        }
        finally
        {
            await port.ReleaseAsync(reader).ConfigureAwait(false);
        }
    }

    /// <summary>All values from the first on, as they are made, until the stream is complete.</summary>
    public IAsyncEnumerable<T> StreamAsync(CancellationToken cancellation = default) => StreamAsync(ReadFrom.First, cancellation);

    /// <summary>All values from a place on, as they are made, until the stream is complete.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<T> StreamAsync(ReadFrom from, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using IDisposable? loop = port.Boundary?.Enter(Name);
        PortReader reader = await port.OpenAsync(from, isCounted: true, cancellation).ConfigureAwait(false);
        try
        {
            while (true)
            {
                reader.Pass();
                if (port.Boundary is { } boundary) await boundary.ReachAsync(!reader.HasNext, cancellation).ConfigureAwait(false);
                if (!await reader.ReadAsync(cancellation).ConfigureAwait(false)) yield break;
                yield return Read(reader);
            }
        }
        finally
        {
            await port.ReleaseAsync(reader).ConfigureAwait(false);
        }
    }

    /// <summary>The values of two streams, pair by pair; ends with the shorter one. With <c>pad: true</c> it goes on to the end of the longer one, with null in the place of the other's values.</summary>
    /// <typeparam name="TOther">The type of the other stream's values.</typeparam>
    /// <param name="other">The other stream.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<(T First, TOther Second)> Zip<TOther>(IO<TOther> other, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (var (_, first, _, second) in PairsAsync(other, pad: false, cancellation).ConfigureAwait(false)) yield return (first!, second!);
    }

    /// <summary>The pairs, and which of the two values there are.</summary>
    internal async IAsyncEnumerable<(bool HasFirst, T? First, bool HasSecond, TOther? Second)> PairsAsync<TOther>(IO<TOther> other, bool pad, [EnumeratorCancellation] CancellationToken cancellation)
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
                left.Pass();
                right.Pass();
                if (port.Boundary is { } boundary) await boundary.ReachAsync(!left.HasNext || !right.HasNext, cancellation).ConfigureAwait(false);
                bool hasLeft = await left.ReadAsync(cancellation).ConfigureAwait(false);
                if (!hasLeft && !pad) yield break;
                bool hasRight = await right.ReadAsync(cancellation).ConfigureAwait(false);
                if (pad ? !hasLeft && !hasRight : !hasRight) yield break;
                yield return (hasLeft, hasLeft ? Read(left) : default, hasRight, hasRight ? other.Read(right) : default);
            }
        }
        finally
        {
            await port.ReleaseAsync(left).ConfigureAwait(false);
            if (right is not null) await other.port.ReleaseAsync(right).ConfigureAwait(false);
        }
    }

    /// <summary>The values of several streams, each as it comes, with the name of its stream; until all are complete. Of one stream's values the order is kept.</summary>
    /// <param name="others">The other streams.</param>
    public IAsyncEnumerable<(string Name, T Value)> Merge(params IReadOnlyList<IO<T>> others) => Merge(others, CancellationToken.None);

    /// <summary>The values of several streams, each as it comes, with the name of its stream; until all are complete. Of one stream's values the order is kept.</summary>
    /// <param name="others">The other streams.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<(string Name, T Value)> Merge(IReadOnlyList<IO<T>> others, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(others);
        IO<T>[] all = [this, .. others];
        using IDisposable? loop = port.Boundary?.Enter(string.Join(" and ", all.Select(one => one.Name)));
        using var merge = new PortMerge(port.Boundary, cancellation);
        try
        {
            foreach (IO<T> one in all) merge.Add(one.port, await one.port.OpenAsync(ReadFrom.First, isCounted: true, cancellation).ConfigureAwait(false));
            while (await merge.NextAsync().ConfigureAwait(false) is { } next) yield return (all[next.Index].Name, all[next.Index].Read(next.Reader));
        }
        finally
        {
            await merge.ReleaseAsync().ConfigureAwait(false);
        }
    }

    private T Read(PortReader reader)
    {
        try
        {
            return serializer.Read(reader.Deliver(), port.Stream, partition: 0);
        }
        catch (PayloadException e)
        {
            throw new FlowException(e.Message, e);
        }
    }
}
