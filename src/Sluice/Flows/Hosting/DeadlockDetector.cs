using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>Finds processors of a run that wait for each other because of a bound, and lifts the bound of one stream.</summary>
/// <remarks>
/// <para>In such a circle, one processor waits for room in a stream, and the stream's reader waits, perhaps through others, for the next
/// value of that processor. The reader of the smallest full stream in the circle lifts its gate.</para>
/// <para>
/// A processor that has waited long for room reports that in the run's journal, again after twice the time; processors that wait for a
/// value then report that. All read the same journal in the same order, so they see the same circle, and one acts. A report may be
/// outdated: then a bound is lifted without need, with a warning, and <see cref="FlowStreamOptions.MaxKept"/> still holds.
/// </para>
/// <para>After Parks, “Bounded Scheduling of Process Networks” (1995), who grows the smallest full buffer. Thread-safe.</para>
/// </remarks>
internal sealed class DeadlockDetector(SupervisorCore core, RunPlan run, ProcessorPlan self, CancellationToken life)
    : IStallReports, IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan UntilWarned = TimeSpan.FromSeconds(30);

    private readonly AsyncLock telling = new();
    private readonly Dictionary<string, HashSet<string>> stuck = new(StringComparer.Ordinal);          // streams without room, by processor
    private readonly Dictionary<string, HashSet<string>> idle = new(StringComparer.Ordinal);           // those without a value
    private IReadOnlyCollection<InputPort> inputs = [];

    /// <summary>The wait for room after which the processor reports it; doubles with each report, up to 5 minutes.</summary>
    public TimeSpan ReportInterval { get; private set; } = TimeSpan.FromSeconds(1);

    public void Watch(IReadOnlyCollection<InputPort> ports) => inputs = ports;

    /// <param name="stream">The stream without room.</param>
    /// <param name="waited">How long the processor has waited in all.</param>
    public async Task TellStuckAsync(string stream, TimeSpan waited)
    {
        ReportInterval = ReportInterval * 2 < Longest ? ReportInterval * 2 : Longest;
        await TellAsync(new(RunEventKind.Stuck, core.Options.Name, self.Name, Stream: stream)).ConfigureAwait(false);
        if (waited >= UntilWarned) await WarnAsync(stream, waited).ConfigureAwait(false);
    }

    /// <summary>Warns after a long wait, with what the processor waits for. Never throws.</summary>
    private async Task WarnAsync(string stream, TimeSpan waited)
    {
        try
        {
            FlowRunInfo? status = await FlowReports.StatusWithHostsAsync(core.Calls, core.Hosts, run.Run, life).ConfigureAwait(false);
            if (status is not null && await CloseOfEndedAsync(status, stream).ConfigureAwait(false)) return;
            if (status?.Processors.FirstOrDefault(processor => processor.Name == self.Name) is { IsHeldUp: true, WaitsFor: { } what })
                core.Warn($"In the run {run.Run}, {self.Name} has waited for {(long)waited.TotalSeconds:N0} s for {what}.");
        }
        catch (Exception e) when (e is OperationCanceledException or FlowException or StreamStoreException)
        {
            // The next report warns.
        }
    }

    /// <summary>Closes the readers of processors that have ended, and whose hosts died before they closed them: a host that comes would do
    /// the same.</summary>
    /// <returns>Whether there were any.</returns>
    private async Task<bool> CloseOfEndedAsync(FlowRunInfo status, string stream)
    {
        string name = FlowNames.Values(run.Run, stream);
        string[] left = [.. status.Streams.Where(one => one.Name == stream)
            .SelectMany(static one => one.Readers).Select(static reader => reader.Processor).OfType<string>()
            .Where(reader => status.Processors.Any(processor => processor.Name == reader && processor.Status > FlowStatus.Running))];
        foreach (string keeper in left.Select(ReaderNames.Of))
            foreach (string reader in (string[])[ReaderNames.Gate(keeper), keeper])
                await core.Calls.DoAsync(name, () => core.Store.CloseReaderAsync(name, reader, life), life).ConfigureAwait(false);
        return left.Length > 0;
    }

    /// <summary>Reports that the processor is no longer stuck. Never throws: a missing report costs at most a needless warning.</summary>
    public async Task TellMovingAsync()
    {
        try
        {
            await TellAsync(new(RunEventKind.Moving, core.Options.Name, self.Name)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or FlowException or StreamStoreException)
        {
        }
    }

    /// <summary>Handles an event of the run's journal. Never throws.</summary>
    public async Task NoticeAsync(RunEvent happened)
    {
        if (happened.Processor is not { } processor || life.IsCancellationRequested) return;
        switch (happened.Kind)
        {
            case RunEventKind.Stuck:
                Add(stuck, processor, happened.Stream!);
                idle.Clear();                        // those who still wait report it again
                break;
            case RunEventKind.Idle:
                Add(idle, processor, happened.Stream!);
                break;
            case RunEventKind.Moving or RunEventKind.Completed or RunEventKind.Failed or RunEventKind.Cancelled:
                stuck.Remove(processor);
                idle.Remove(processor);
                return;
            default:
                return;
        }
        try
        {
            if (happened.Kind == RunEventKind.Stuck)
                foreach (InputPort input in inputs)
                    if (input.IsWaiting) await TellAsync(new(RunEventKind.Idle, core.Options.Name, self.Name, Stream: input.Name))
                        .ConfigureAwait(false);
            await ResolveAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or FlowException or StreamStoreException)
        {
            if (!life.IsCancellationRequested) core.Warn(
                $"Whether processors of the run {run.Run} wait for each other is not known: {e.Message}");
        }
    }

    public void Dispose() => inputs = [];

    private async Task ResolveAsync()
    {
        foreach (var (writer, full) in stuck)
            foreach (InputPort input in inputs)
            {
                if (!full.Contains(input.Name) || Path(self.Name, writer, []) is not { } path) continue;
                string[] circle = [.. path, input.Name];
                if (Smallest(circle) != input.Name || !await input.LiftGateAsync().ConfigureAwait(false)) continue;
                core.Warn(
                    $"In the run {run.Run}, {writer} waits for room in {input.Name} until {self.Name} reads it, and {self.Name} waits for "
                        + $"what {writer} would write next. {input.Name} is bounded to {run.Stream(input.Name).MaxItems:N0} values; "
                    + $"from now on it keeps what {self.Name} has not read, up to MaxKept. Read the streams side by side (Zip, Merge), or "
                    + $"raise the bound (FlowStreamOptions.MaxItems).");
            }
    }

    private string Smallest(string[] circle)
        => circle.Where(name => stuck.Values.Any(full => full.Contains(name))).OrderBy(name => run.Stream(name).MaxItems)
        .ThenBy(name => name, StringComparer.Ordinal).First();

    /// <summary>The streams by which one processor waits for another; null if it does not wait for it.</summary>
    private List<string>? Path(string from, string to, HashSet<string> visited)
    {
        if (from == to) return [];
        if (!visited.Add(from)) return null;
        foreach (string stream in idle.GetValueOrDefault(from) ?? [])
            if (Array.Find(run.Processors, one => one.Outputs.Contains(stream)) is { } writer && Path(writer.Name, to, visited) is { } path)
                return [stream, .. path];
        foreach (string stream in stuck.GetValueOrDefault(from) ?? [])
            foreach (ProcessorPlan reader in run.Processors.Where(one => !one.Wait && one.Inputs.Contains(stream)))
                if (Path(reader.Name, to, visited) is { } path) return [stream, .. path];
        return null;
    }

    private async Task TellAsync(RunEvent happened)
    {
        await telling.EnterAsync(life).ConfigureAwait(false);
        try
        {
            await RunWatch.AddAsync(core.Calls, run.Run, happened, life).ConfigureAwait(false);
        }
        finally
        {
            telling.Leave();
        }
    }

    private static void Add(Dictionary<string, HashSet<string>> to, string processor, string stream)
    {
        if (!to.TryGetValue(processor, out HashSet<string>? streams)) to.Add(processor, streams = []);
        streams.Add(stream);
    }
}
