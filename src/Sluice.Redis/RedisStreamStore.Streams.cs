namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
    {
        Reply raised = await RunAsync("raise_generation", [id, expected, NewId()], isRepeatable: true, cancellation).ConfigureAwait(false);
        if (raised[0].Text != id) known.Clear();
        pushed.Clear();
        id = raised[0].Text;
        return generation = raised[1].Int;
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null, CancellationToken cancellation = default)
    {
        StreamNames.Check(stream);
        options ??= new();
        options.Check();
        Reply reply = await CallAsync("open_stream", new Arguments().Name(stream).Number(options.Partitions).Number(options.MaxItems).Number(options.MaxBytes)
            .Number(options.MaxEntryBytes).Flag(options.Retention == Retention.All), cancellation).ConfigureAwait(false);
        StreamInfo info = Know(reply);
        return info.Options.Partitions == options.Partitions
            ? info
            : throw new StreamStoreException(
                $"The stream {stream} has {info.Options.Partitions} partitions and was opened with {options.Partitions}. Keys would move: open "
                + "it with the number it has, or make another stream.")
            { Stream = stream, IsPermanent = true };
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
    {
        Reply reply = await CallAsync("find_stream", new Arguments().Name(stream), cancellation).ConfigureAwait(false);
        if (!reply.IsNull) return Know(reply);
        Forget(stream);
        return null;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
    {
        Reply reply = await CallAsync("list_streams", new(), cancellation).ConfigureAwait(false);
        return [.. reply.Items.Select(name => name.Name).Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(end);
        return Infos.ReadEnd(await CallAsync("end_stream", new Arguments().Name(stream).Text(Infos.Write(end)), cancellation).ConfigureAwait(false))!;
    }

    /// <inheritdoc/>
    public override async ValueTask DeleteStreamAsync(string stream, CancellationToken cancellation = default)
    {
        await CallAsync("delete_stream", new Arguments().Name(stream), cancellation).ConfigureAwait(false);
        Forget(stream);
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        (long? count, Task? change) = changes.Look(stream, after);
        if (count is null && change is null)
        {
            if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null) throw Failures.Refused(["NOSTREAM", Names.Encode(stream)], address);
            (count, change) = changes.Look(stream, after);
        }
        if (change is not null)
        {
            await change.WaitAsync(cancellation).ConfigureAwait(false);
            (count, _) = changes.Look(stream, -1);
        }
        return count ?? throw new StreamStoreException($"The stream {stream} was deleted.") { Stream = stream };
    }

    /// <inheritdoc/>
    public override async ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => (await CallAsync("find_time", new Arguments(), cancellation).ConfigureAwait(false)).Time;

    private StreamInfo Know(Reply reply)
    {
        StreamInfo info = Infos.Stream(reply);
        known[info.Name] = (info.Options.Partitions, reply[6].Text);
        changes.Know(info.Name);
        return info;
    }
}
