namespace Sluice.Delivery;

/// <summary>Compares the stored state of a consecutor with the nodes of the code, so that no state is silently forgotten or read by the
/// wrong node.</summary>
/// <remarks>The shape of a node is stored beside its state: a row of <see cref="Node"/> with the name of the node as key.
/// Thread-safe.</remarks>
internal sealed class StateCheck(ConsecutorIdentity identity, IStreamStore store, StatePlan plan)
{
    /// <summary>The node under which shapes are stored.</summary>
    public const string Node = "$nodes";

    private const int PageSize = 1000;
    private const int NodesAtOnce = 500;
    private const int MaxAtOnce = 64;               // calls of the store
    private const int MaxNamed = 20;

    /// <summary>Checks all partitions that this code may acquire.</summary>
    /// <exception cref="InvalidOperationException">A stored state belongs to no node of the code, or to another node.</exception>
    public async Task CheckAllAsync(CancellationToken cancellation)
    {
        GroupInfo? group = await store.FindGroupAsync(identity.Group, cancellation).ConfigureAwait(false);
        int[] written = [.. group?.Partitions.Where(info => info.Epoch > 0 && info.Version <= identity.Options.CodeVersion)
            .Select(static info => info.Partition) ?? []];
        List<StoredNode> wrong = [];
        foreach (int[] some in written.Chunk(MaxAtOnce))
            foreach (List<StoredNode> nodes in await Task.WhenAll(some.Select(partition => ReadAsync(partition, cancellation)))
                .ConfigureAwait(false))
                wrong.AddRange(nodes.Where(node => Why(node) is not null));
        if (wrong.Count > 0) throw await RefusalAsync(wrong, cancellation).ConfigureAwait(false);
    }

    /// <summary>Returns the nodes that have state in a partition.</summary>
    /// <exception cref="InvalidOperationException">A stored state belongs to no node of the code, or to another node.</exception>
    public async Task<List<StoredNode>> CheckAsync(int partition, CancellationToken cancellation)
    {
        List<StoredNode> nodes = await ReadAsync(partition, cancellation).ConfigureAwait(false);
        List<StoredNode> wrong = nodes.FindAll(node => Why(node) is not null);
        return wrong.Count == 0 ? nodes : throw await RefusalAsync(wrong, cancellation).ConfigureAwait(false);
    }

    private async Task<List<StoredNode>> ReadAsync(int partition, CancellationToken cancellation)
    {
        List<string> names = [];
        for (string? after = null; ;)
        {
            IReadOnlyList<StateNodeInfo> page = await store.ListStateNodesAsync(identity.Group, partition, after, NodesAtOnce,
                cancellation: cancellation).ConfigureAwait(false);
            names.AddRange(page.Select(static node => node.Node));
            if (page.Count < NodesAtOnce) break;
            after = page[^1].Node;
        }
        bool hasShapes = names.Contains(Node), hasEnds = names.Contains(StageEnds.Node);
        HashSet<string> timed = [.. names.Select(ITimerRows.NodeOf).OfType<string>()];
        names.RemoveAll(static name => name.StartsWith('$'));
        names.AddRange(timed.Except(names).ToArray());          // a key may have timers and no state
        string[] ended = hasEnds ? [.. (await ReadAsync(partition, StageEnds.Node, cancellation).ConfigureAwait(false)).Keys] : [];
        ended = [.. ended.Except(names)];
        if (names.Count + ended.Length == 0) return [];
        Dictionary<string, StateRow> shapes = hasShapes ? await ReadAsync(partition, Node, cancellation).ConfigureAwait(false) : [];
        List<StoredNode> nodes = [.. names.Select(name => StoredNode.Of(partition, name, shapes.GetValueOrDefault(name)) with
        {
            HasTimers = timed.Contains(name),
        })];
        for (int i = 0; i < nodes.Count; i++)
            if (PlanOf(nodes[i]) is { Shape: { IsByPartition: true } shape } && (nodes[i].Kind ?? shape.Kind) == shape.Kind)
                nodes[i] = nodes[i] with { HasKeys = await HasKeysAsync(nodes[i], cancellation).ConfigureAwait(false) };
        return
        [
            .. nodes,
            .. ended.Select(name => new StoredNode(partition, name, 0, null) { HasOnlyEnded = true }),
        ];
    }

    private async Task<Dictionary<string, StateRow>> ReadAsync(int partition, string node, CancellationToken cancellation)
    {
        Dictionary<string, StateRow> rows = new(StringComparer.Ordinal);
        for (string? after = null; ;)
        {
            IReadOnlyList<StateRow> page = await store.ListStateAsync(identity.Group, partition, node, after, PageSize, cancellation)
                .ConfigureAwait(false);
            foreach (StateRow row in page) rows[row.Key] = row;
            if (page.Count < PageSize) return rows;
            after = page[^1].Key;
        }
    }

    /// <summary>Whether a node has state of keys; the key of all items without a key is empty.</summary>
    private async Task<bool> HasKeysAsync(StoredNode node, CancellationToken cancellation)
        => (await store.ListStateAsync(identity.Group, node.Partition, node.Node, after: "", 1, cancellation).ConfigureAwait(false))
            .Count > 0;

    /// <returns>The node of the code that has the state now; null if it is dropped, or there is none.</returns>
    private (StateShape Shape, string Text)? PlanOf(StoredNode stored)
    {
        string? name = stored.Node;
        return plan.Knows(name) || (plan.TryFollow(name, out name) && name is not null && plan.Knows(name)) ? plan.Of(name) : null;
    }

    /// <returns>The mismatch, as a text for people; null if there is none.</returns>
    private string? Why(StoredNode stored)
    {
        string? name = stored.Node;
        if (stored.HasOnlyEnded) return null;                   // it has no state to forget
        if (!plan.Knows(name) && !plan.TryFollow(name, out name)) return "the code has no such node";
        if (name is null) return null;
        if (!plan.Knows(name)) return $"'{name}' of the code keeps no state";
        (StateShape shape, string now) = plan.Of(name);
        string called = name == stored.Node ? "" : $"'{name}' of ";
        if (stored.HasTimers && !shape.HasTimers) return $"it has timers, and {called}the code has a {now} without timers";
        if (stored.HasKeys) return $"it has a state for each key, and {called}the code has one for each partition ({KeyWas("removed")})";
        if (stored.Shape is not { } text) return null;
        // Older versions of Sluice have stored state by partition with the text of state by key.
        if (shape.IsByPartition && stored.Kind == shape.Kind) text = shape.StoredKind + text[shape.Kind.Length..];
        if (text == (shape with { IsByPartition = true }).ToString() && !shape.IsByPartition)
            return $"it has one state for each partition, and {called}the code has one for each key ({KeyWas("added")})";
        if (stored.Version > shape.Version) return $"it has version {stored.Version}, and {called}the code has version {shape.Version}";
        if (text == now || text == shape.Older) return null;
        if (stored.Version < shape.Version && StateShape.KindOf(text) == shape.StoredKind) return null;   // for migrations
        return $"it is of a {text}, and {called}the code has a {now}";

        static string KeyWas(string changed) => $"Key or KeyBy was {changed} since then";
    }

    private async Task<InvalidOperationException> RefusalAsync(List<StoredNode> wrong, CancellationToken cancellation)
    {
        List<string> lines = [];
        string? renamed = null;
        foreach (var same in wrong.GroupBy(node => (node.Node, Why: Why(node)!)).Take(MaxNamed))
        {
            long rows = 0;
            // a damaged row reports itself when it is read
            foreach (StoredNode node in same) _ = await store.ListStateAsync(identity.Group, node.Partition, node.Node, after: null,
                PageSize, cancellation).ConfigureAwait(false);
            foreach (StoredNode node in same) rows += await CountAsync(node, cancellation).ConfigureAwait(false);
            int[] partitions = [.. same.Select(static node => node.Partition).Order()];
            string where = partitions.Length == 1 ? $"partition {partitions[0]}"
                : $"{partitions.Length} "
                + $"partitions ({string.Join(", ", partitions.Take(MaxNamed))}{(partitions.Length > MaxNamed ? ", …" : "")})";
            lines.Add($"'{same.Key.Node}': {rows:N0} row{(rows == 1 ? "" : "s")} in {where}; {same.Key.Why}.");
            if (!plan.Knows(same.Key.Node)) renamed ??= same.Key.Node;
        }
        int others = wrong.Select(static node => node.Node).Distinct(StringComparer.Ordinal).Count() - MaxNamed;
        if (others > 0) lines.Add($"And {others:N0} more.");
        string ways = renamed is not null
            ? $"If a node was renamed, say so: {nameof(ConsecutorOptions)}.{nameof(ConsecutorOptions.State)} = "
            + $"[StateChange.Renamed(\"{renamed}\", \"…\")]; if its state is not wanted any more, StateChange.Dropped(\"{renamed}\"). "
            + $"Or start the code that has the node."
            : "Start the code that wrote it. If the node is another one now, give it another name, and say what becomes of the old one "
            + "(StateChange.Dropped). If only its form is new, raise its version (StateVersion, StateSchema) and migrate. "
            + "Operators without a version (Chunk, GroupBy, Window, Join, Zip, Distinct, Debounce) know the items that they hold by the "
            + "short name of their type: keep that name.";
        return new InvalidOperationException(
            $"The consecutor {identity.Name} has stored state that this code would forget, or misread. {string.Join(" ", lines)} The "
                + $"nodes of the code that keep state: {plan.Names}. Nothing was changed. {ways}");
    }

    private async Task<long> CountAsync(StoredNode node, CancellationToken cancellation)
    {
        for (string? after = null; ;)
        {
            IReadOnlyList<StateNodeInfo> page = await store.ListStateNodesAsync(identity.Group, node.Partition, after, NodesAtOnce,
                counted: true, cancellation).ConfigureAwait(false);
            if (page.FirstOrDefault(one => one.Node == node.Node) is { } found) return found.Rows ?? 0;
            if (page.Count < NodesAtOnce) return 0;
            after = page[^1].Node;
        }
    }
}

/// <summary>A node that has state in a partition.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Version">The version of the state, if <paramref name="Shape"/> is known.</param>
/// <param name="Shape">The stored shape; null if unknown, because the state was just moved or is older than shapes.</param>
internal sealed record StoredNode(int Partition, string Node, int Version, string? Shape)
{
    /// <summary>Whether the node has no state here, and only the mark that it has put out what it held at the end of the input.</summary>
    public bool HasOnlyEnded { get; init; }

    /// <summary>Whether the node has stored timers.</summary>
    public bool HasTimers { get; init; }

    /// <summary>Whether the node has state of keys, and the code has one state for each partition.</summary>
    public bool HasKeys { get; init; }

    /// <summary>The kind in the stored shape; null if unknown.</summary>
    public string? Kind => Shape is null ? null : StateShape.KindOf(Shape);

    public static StoredNode Of(int partition, string node, StateRow? shape)
        => new(partition, node, shape?.Version ?? 0, shape is { Value: { } text } ? Encoding.UTF8.GetString(text.Span) : null);
}
