using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The named outputs of a consecutor, and where they lead.</summary>
/// <remarks>Thread-safe. Outputs are wired before the start and written to by any thread of the run.</remarks>
internal sealed class NamedOutputs : IFollowedOutputs
{
    private readonly ConcurrentDictionary<string, OutputState> outputs = new(StringComparer.Ordinal);
    private readonly ConsecutorCore core;
    private readonly OutputReservations places;
    private readonly Lock sync = new();
    private volatile Gates gates = new(-1, [], []);
    private int watched;

    public NamedOutputs(ConsecutorCore core)
        => (this.core, places) = (core, new(core.Time, core.Store, core.InFlight, core.Alone, core.Ledger.Touch));

    /// <summary>Whether items in flight wait for room.</summary>
    public bool AreWaiting => places.AreAwaited;

    /// <summary>The reason why items in flight wait for room, as a text for people; null if none waits.</summary>
    public string? Problem => places.Problem;

    /// <summary>The consecutors that the outputs lead to; with repetitions.</summary>
    public IEnumerable<ConsecutorCore> Targets => outputs.Values.Select(output => output.Target?.Core).OfType<ConsecutorCore>();

    public bool IsUsed => !outputs.IsEmpty;

    /// <summary>The counts of each output, by name, since the start of the process.</summary>
    public IReadOnlyDictionary<string, OutputCounts> Counts
        => outputs.ToDictionary(output => output.Key, output => output.Value.Counts, StringComparer.Ordinal);

    /// <summary>The streams that must have room before an item is leased.</summary>
    public string[] GateStreams => Present.Streams;

    public void Wire(string name, OutputTarget target)
    {
        OutputState output = outputs.GetOrAdd(name, static name => new(name));
        lock (sync)
        {
            if (output.Target is { } known)
                throw new InvalidOperationException(
                    $"The output {core.Name}.{name} leads to {known.Core.Name} already. To have the items in {target.Core.Name} as well, "
                        + $"write them to a second output, in a second branch.");
            output.Target = target;
        }
        OutputGraph.Changed();
    }

    public void Unwire(string name)
    {
        lock (sync) outputs[name].Target = null;
        OutputGraph.Changed();
    }

    /// <summary>Opens the target streams. Refuses a blocking output inside a cycle, which would wait for itself. Called at the start, and
    /// after a loss of the store.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        foreach (OutputState output in outputs.Values)
        {
            if (output.Target is not { } target) continue;
            if (target.Mode == OutputMode.Blocking && (target.Core == core || OutputGraph.Behind(target.Core).Contains(core)))
            {
                throw new InvalidOperationException(
                    $"The blocking output {core.Name}.{output.Name} leads back to {core.Name} ({core.Name} "
                        + $"-> {OutputGraph.Way(target.Core, core)}): it would wait for itself. Make it OutputMode.Asynchronous; "
                    + "then those wait who send into the cycle.");
            }
            await target.Core.Stream.OpenAsync(cancellation).ConfigureAwait(false);
        }
    }

    public ValueTask<IOutputItem?> PrepareAsync<T>(int node, string name, T item, Ticket? root, CancellationToken cancellation)
    {
        OutputState output = outputs.GetOrAdd(name, static name => new(name));
        if (output.MustTell())
            core.Lifetime.Warn($"The output '{name}' of the consecutor {core.Name} leads nowhere: its items are counted and discarded. "
                + $"Before the start, connect it to the consecutor that takes {TypeNames.Of(typeof(T))} (Output<{TypeNames.Of(typeof(T))}>"
                + $"(\"{name}\").To(…); AddOutput in a host), or leave it out of the pipeline.");
        if (root?.Whole is not Root accepted)
        {
            output.Count();                          // an item without a store: its outputs lead nowhere
            return default;
        }
        if (accepted.HasTooMuch) return default;     // the root dies anyway
        if (output.Target is null) return Weigh(accepted, new(output, node, [], default, [])) is { } discarded ? new(discarded) : default;
        if (output.Target is not OutputTarget<T> target)
        {
            throw new ArgumentException(
                $"The output '{name}' of {core.Name} leads to {output.Target.Core.Name}, which takes {TypeNames.Of(output.Target.Type)}, "
                    + $"and was given a {TypeNames.Of(typeof(T))}.");
        }
        BatchTag? batch = accepted.Headers.Batch;
        byte[] headers = EntryHeaders.Of(batch, ItemSpans.Create(target.Core.Telemetry, accepted));
        (byte[] payload, EntryKey key) = target.Write(name, item, batch?.Headers.Length ?? 0);
        // Without its trace, if the entry would be too long with it.
        if (payload.Length + (long)headers.Length > target.Core.Stream.MaxEntryBytes) headers = EntryHeaders.Of(batch, null);
        if (Weigh(accepted, new(output, node, payload, key, headers)) is not { } part) return default;
        return target.Mode == OutputMode.Asynchronous ? new(part) : places.ReserveAsync(part, accepted, cancellation);
    }

    /// <returns>Null if the outputs of the root exceed the limit: the root dies and keeps none of them.</returns>
    private OutputPart? Weigh(Root root, OutputPart part)
    {
        long most = core.Options.MaxOutputBytes;
        long bytes = root.AddOutput(part.Weight);
        if (bytes <= most) return part;
        if (bytes - part.Weight > most) return null;          // another thread's part exceeded the limit first
        var cause = new InvalidOperationException(
            $"The item put out more than {most:N0} bytes into the outputs of {core.Name}, which is the limit "
                + $"(ConsecutorOptions.MaxOutputBytes): the consecutor keeps all outputs of an item in memory until the item ends. "
            + "None of the item's outputs was committed. Put out references, divide the item before it is sent, or raise the limit.");
        root.RefuseTooMuch(new(new PipelineException(core.Recorder.NameOf(part.Node), null, cause, part.Node), IsPartial: true,
            IsFinal: true, Attempts: 1));
        return null;
    }

    /// <summary>Wakes the pump when a full gate may have room again. Used by the pump.</summary>
    /// <returns>The text for people.</returns>
    public string Wait(string gate)
    {
        if (Interlocked.Exchange(ref watched, 1) == 0) _ = WakeAsync(gate);
        OutputState[] full = [.. outputs.Values.Where(output => output.Target?.Core.Name == gate)];
        return full.Length == 0
            ? $"The output leads into a cycle in which the stream {gate} is full; nothing is leased until there is room."
            : $"The output {string.Join(", ", full.Select(output =>
            $"'{output.Name}'"))} is full: {gate} has as much before it as its stream may hold. Nothing is leased until there is room.";
    }

    /// <summary>Whether senders to this consecutor have to wait, because another consecutor of its cycle is full.</summary>
    public async ValueTask<bool> IsCycleFullAsync(CancellationToken cancellation)
    {
        foreach (ConsecutorCore other in Present.Cycle)
        {
            StreamInfo? stream = await core.Store.FindStreamAsync(other.Name, cancellation).ConfigureAwait(false);
            if (stream is null) continue;
            if (stream.Groups.Any(group => group.Outstanding >= stream.Options.MaxItems)) return true;
            if (stream.Options.Retention != Retention.All && stream.Groups.Any(group => group.Outstanding > 0)
                && stream.Bytes >= stream.Options.MaxBytes) return true;
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
        bool hasFailed = false;
        try
        {
            long seen = await core.Store.WaitForChangeAsync(gate, -1, core.Lifetime.Token).ConfigureAwait(false);
            core.Pump.Changed();                          // look once more: room may have come just before the wait
            await core.Store.WaitForChangeAsync(gate, seen, core.Lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            hasFailed = true;
        }
        Volatile.Write(ref watched, 0);
        if (!hasFailed) core.Pump.Changed();         // otherwise the pump looks again after a while
    }

    /// <summary>Finds the gates. Inside a cycle only outside senders wait; the consecutors of the cycle go on, so it empties
    /// itself.</summary>
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
