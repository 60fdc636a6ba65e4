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
        NoteGeneration(raised[1].Int);
        return raised[1].Int;
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(stream);
        options ??= new();
        options.Check();
        Reply reply = await CallAsync("open_stream",
            new Arguments().Stream(stream).Number(options.Partitions).Number(options.MaxItems).Number(options.MaxBytes)
            .Number(options.MaxEntryBytes).Flag(options.Retention == Retention.All), cancellation).ConfigureAwait(false);
        StreamInfo info = await KnowAsync(stream, reply, cancellation).ConfigureAwait(false)
            ?? throw Failures.Refused(["NOSTREAM", Names.Encode(stream)], address);
        StoreRules.CheckPartitions(stream, info.Options.Partitions, options.Partitions);
        return info;
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
    {
        Reply reply = await CallAsync("find_stream", new Arguments().Stream(stream).Text("").Number(0), cancellation).ConfigureAwait(false);
        return await KnowAsync(stream, reply, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
    {
        List<string> names = [];
        // Half a surrogate pair cannot be escaped: the server lists by the text before it, and the result is filtered.
        string begin = Names.Encode(prefix.Length > 0 && char.IsHighSurrogate(prefix[^1]) ? prefix[..^1] : prefix), after = "";
        while (true)
        {
            Reply[] page = [.. (await CallAsync("list_streams", new Arguments().Text(begin).Text(after), cancellation)
                .ConfigureAwait(false)).Items];
            if (page.Length == 0) return [.. names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)];
            names.AddRange(page.Select(name => name.Name));
            after = page[^1].Text;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(end);
        return Infos.ReadEnd(await CallAsync("end_stream", new Arguments().Stream(stream).Text(Infos.Write(end)), cancellation)
            .ConfigureAwait(false))!;
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
    {
        Reply reply = await CallAsync("delete_stream", new Arguments().Stream(stream), cancellation).ConfigureAwait(false);
        Forget(stream);
        await SweepTrashAsync(reply[0], cancellation).ConfigureAwait(false);
        return reply[1].IsOne;
    }

    // The keys of deleted objects are removed in pages. If this process ends before, the next deletion continues.
    private async ValueTask SweepTrashAsync(Reply reply, CancellationToken cancellation)
    {
        while (reply.IsOne) reply = await CallAsync("sweep_trash", new(), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        await ListenAsync(cancellation).ConfigureAwait(false);
        return await changes.WaitForChangeAsync(stream, after, () => RequireAsync(stream, cancellation), cancellation)
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
    {
        await ListenAsync(cancellation).ConfigureAwait(false);
        return await changes.WaitForEntriesAsync(stream, partitions, after, () => RequireAsync(stream, cancellation), cancellation)
            .ConfigureAwait(false);
    }

    // Finding a stream makes it known.
    private async ValueTask RequireAsync(string stream, CancellationToken cancellation)
    {
        if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null)
            throw Failures.Refused(["NOSTREAM", Names.Encode(stream)], address);
    }

    /// <inheritdoc/>
    public override async ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => (await CallAsync("find_time", new Arguments(), cancellation).ConfigureAwait(false)).Time;

    // Caches a stream that was found, and reads the remaining pages of its consumers; null if it does not exist.
    private async ValueTask<StreamInfo?> KnowAsync(string stream, Reply first, CancellationToken cancellation)
    {
        List<Reply> pages = [first];
        while (!pages[^1].IsNull && pages[^1][13].Text is { Length: > 0 } next)
            pages.Add(await CallAsync("find_stream", new Arguments().Stream(stream).Text(next).Number(pages[^1][14].Long), cancellation)
                .ConfigureAwait(false));
        if (pages[^1].IsNull)
        {
            Forget(stream);
            return null;
        }
        StreamInfo info = Infos.Stream(pages);
        known[info.Name] = (info.Options.Partitions, first[6].Text);
        changes.Know(info.Name);
        return info;
    }
}
