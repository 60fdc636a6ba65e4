using System.Collections.Concurrent;

namespace Sluice;

/// <summary>The named outputs of a consecutor.</summary>
/// <remarks>Thread-safe. They are wired before the start, and written to by any thread of the run.</remarks>
internal sealed class NamedOutputs : IFollowedOutputs
{
    private readonly ConcurrentDictionary<string, OutputState> outputs = new(StringComparer.Ordinal);
    private readonly ConsecutorCore core;
    private readonly OutputReservations places;
    private readonly Lock sync = new();
    private volatile Gates gates = new(-1, [], []);
    private int watched;

    public NamedOutputs(ConsecutorCore core) => (this.core, places) = (core, new(core));

    /// <summary>What keeps what is under way from going on; null if nothing does.</summary>
    public string? Problem => places.Problem;

    /// <summary>Where they lead; several of them to one place, maybe.</summary>
    public IEnumerable<ConsecutorCore> Targets => outputs.Values.Select(output => output.Target?.Core).OfType<ConsecutorCore>();

    public bool IsUsed => !outputs.IsEmpty;

    /// <summary>What went where, since the start of the process.</summary>
    public IReadOnlyDictionary<string, OutputCounts> Counts => outputs.ToDictionary(output => output.Key, output => output.Value.Counts, StringComparer.Ordinal);

    /// <summary>The streams that must have room before something is taken up.</summary>
    public string[] GateStreams => Present.Streams;

    public void Wire(string name, OutputTarget target)
    {
        OutputState output = outputs.GetOrAdd(name, static name => new(name));
        lock (sync)
        {
            if (output.Target is { } known)
                throw new InvalidOperationException($"The output {core.Name}.{name} leads to {known.Core.Name} already. To have the items in {target.Core.Name} as well, write them to a second output, in a second branch.");
            output.Target = target;
        }
        OutputGraph.Changed();
    }

    /// <summary>Opens the streams that they lead to; and refuses to wait for itself. Called at the start, and when a store has lost something.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        foreach (OutputState output in outputs.Values)
        {
            if (output.Target is not { } target) continue;
            if (target.Mode == OutputMode.Blocking && (target.Core == core || OutputGraph.Behind(target.Core).Contains(core)))
            {
                throw new InvalidOperationException(
                    $"The blocking output {core.Name}.{output.Name} leads back to {core.Name} ({core.Name} -> {OutputGraph.Way(target.Core, core)}): it would wait for itself. Make it OutputMode.Asynchronous; "
                    + "then those wait who send into the cycle.");
            }
            await target.Core.OpenStreamAsync(cancellation).ConfigureAwait(false);
        }
    }

    public ValueTask<IOutputItem?> PrepareAsync<T>(int node, string name, T item, Ticket? root, CancellationToken cancellation)
    {
        OutputState output = outputs.GetOrAdd(name, static name => new(name));
        if (root?.Whole is not Root accepted)
        {
            output.Count();                          // of an item in no store: it leads nowhere
            return default;
        }
        if (accepted.HasTooMuch) return default;     // it will be dead
        if (output.Target is null) return Weigh(accepted, new(output, node, [], default)) is { } discarded ? new(discarded) : default;
        if (output.Target is not OutputTarget<T> target)
        {
            throw new ArgumentException(
                $"The output '{name}' of {core.Name} leads to {output.Target.Core.Name}, which takes {TypeNames.Of(output.Target.Type)}, and was given a {TypeNames.Of(typeof(T))}.");
        }
        (byte[] payload, EntryKey key) = target.Write(name, item, accepted.HeaderBytes);
        if (Weigh(accepted, new(output, node, payload, key)) is not { } part) return default;
        return target.Mode == OutputMode.Asynchronous ? new(part) : places.ReserveAsync(part, accepted, cancellation);
    }

    /// <returns>Null if the root has put out more than an item may: it is dead from here on, and keeps nothing.</returns>
    private OutputPart? Weigh(Root root, OutputPart part)
    {
        long most = core.Options.MaxOutputBytes;
        long bytes = root.AddOutput(part.Weight);
        if (bytes <= most) return part;
        if (bytes - part.Weight > most) return null;          // another thread's part was the first that was too much
        var cause = new InvalidOperationException(
            $"The item put out more than {most:N0} bytes into the outputs of {core.Name}, which is the limit (ConsecutorOptions.MaxOutputBytes): the consecutor keeps all outputs of an item in memory until the item ends. "
            + "None of the item's outputs was committed. Put out references, divide the item before it is sent, or raise the limit.");
        root.RefuseTooMuch(new(new PipelineException(core.Recorder.NameOf(part.Node), null, cause, part.Node), IsPartial: true, IsFinal: true, Attempts: 1));
        return null;
    }

    /// <summary>Nothing was leased because a gate is full: wakes whoever leases when there may be room. The pump's.</summary>
    /// <returns>What is said of it.</returns>
    public string Wait(string gate)
    {
        if (Interlocked.Exchange(ref watched, 1) == 0) _ = WakeAsync(gate);
        OutputState[] full = [.. outputs.Values.Where(output => output.Target?.Core.Name == gate)];
        return full.Length == 0
            ? $"What is put out gets into a cycle in which the stream {gate} is full; nothing is taken up until there is room."
            : $"The output {string.Join(", ", full.Select(output => $"'{output.Name}'"))} is full: {gate} has as much before it as its stream may hold. Nothing is taken up until there is room.";
    }

    /// <summary>Whether those who send to it have to wait, because another one is full of the cycle that it is in.</summary>
    public async ValueTask<bool> IsCycleFullAsync(CancellationToken cancellation)
    {
        foreach (ConsecutorCore other in Present.Cycle)
        {
            StreamInfo? stream = await core.Store.FindStreamAsync(other.Name, cancellation).ConfigureAwait(false);
            if (stream is null) continue;
            if (stream.Groups.Any(group => group.Outstanding >= stream.Options.MaxItems)) return true;
            if (stream.Options.Retention != Retention.All && stream.Groups.Any(group => group.Outstanding > 0) && stream.Bytes >= stream.Options.MaxBytes) return true;
        }
        return false;
    }

    private Gates Present
    {
        get
        {
            Gates known = gates;
            return known.Version == OutputGraph.Version ? known : gates = Make();
        }
    }

    private async Task WakeAsync(string gate)
    {
        try
        {
            long seen = await core.Store.WaitForChangeAsync(gate, -1, core.Life).ConfigureAwait(false);
            core.Changed();                          // it is looked at once more: there may have been room made just before
            await core.Store.WaitForChangeAsync(gate, seen, core.Life).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            // The pump looks again after a while.
        }
        Volatile.Write(ref watched, 0);
        core.Changed();
    }

    /// <summary>Inside a cycle nobody waits but those who bring something from outside: then it empties itself.</summary>
    private Gates Make()
    {
        int version = OutputGraph.Version;
        SortedSet<string> streams = new(StringComparer.Ordinal);
        foreach (OutputState output in outputs.Values)
        {
            if (output.Target is not { } target || target.Core == core || OutputGraph.Behind(target.Core).Contains(core)) continue;
            if (target.Mode == OutputMode.Asynchronous) streams.Add(target.Core.Name);
            foreach (ConsecutorCore other in OutputGraph.InCycleWith(target.Core)) streams.Add(other.Name);
        }
        return new(version, [.. streams], [.. OutputGraph.InCycleWith(core)]);
    }

    private sealed record Gates(int Version, string[] Streams, ConsecutorCore[] Cycle);
}
