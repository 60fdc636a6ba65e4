using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Engine;

/// <summary>
/// Builds a run from a pipeline, from its ends to its sources: each piece makes its inlet in front of the next one's inlet and
/// passes it upstream.
/// </summary>
/// <remarks>Used by one thread. It also builds runs that are never launched, to get the topology.</remarks>
internal sealed partial class RunBuilder
{
    private static readonly RunOptions DrawingOptions = new() { Mode = ExecutionMode.SingleThread };

    private readonly TopologyRecorder? recorder;
    private readonly IBlueprint blueprint;
    private string? nextPort;
    private int nodes;
    private bool hasGivenNames;

    public RunBuilder(RunOptions options, IBlueprint blueprint)
    {
        this.blueprint = blueprint;
        Following = options.Following;
        NeedsTickets = options.BeginItem is not null;
        Run = new PipelineRun(options, blueprint);
        IsMultiThread = options.Mode == ExecutionMode.MultiThread;
    }

    private RunBuilder(IBlueprint blueprint, bool isFollowed, string home)
        : this(isFollowed ? DrawingOptions with { Following = new ItemTracking(blueprint) { Home = home } } : DrawingOptions, blueprint)
        => recorder = new TopologyRecorder { Following = Following };

    public PipelineRun Run { get; }

    public bool IsMultiThread { get; }

    /// <summary>
    /// Whether only the topology is built: no user code is called, except a node's factory, and nothing outside is touched.
    /// </summary>
    public bool IsDrawing => recorder is not null;

    /// <summary>Set in tracked runs, which continue after failures.</summary>
    public ItemTracking? Following { get; }

    /// <summary>Set when a stage needs the root item that it works for.</summary>
    public bool NeedsTickets { get; set; }

    /// <summary>
    /// Records the nodes and edges of a blueprint by building a run that is never launched, so the picture cannot differ from the run.
    /// </summary>
    /// <param name="blueprint">The blueprint to draw.</param>
    /// <param name="isFollowed">Whether to refuse stages that do not fit into tracked runs.</param>
    /// <param name="home">The owner of such a run, for messages.</param>
    public static TopologyRecorder Draw(IBlueprint blueprint, bool isFollowed = false, string home = ItemTracking.Consecutor)
    {
        var builder = new RunBuilder(blueprint, isFollowed, home);
        blueprint.Build(builder);
        builder.CheckOpen();
        return builder.recorder!;
    }

    /// <summary>
    /// Adds a node and returns its number. A blueprint gets the same numbers every time it is built; a run itself needs only the numbers.
    /// </summary>
    public int AddNode(string kind, StageOptions options, Delegate? function, string? hint, Type? input, Type? output,
        bool isOnlyEdges = false)
        => AddNode(new NodeRecord(kind, options, function, hint, input, output, isOnlyEdges));

    public int AddNode<TIn, TOut>(Operator<TIn, TOut> stage, StageOptions options)
    {
        if (!IsDrawing) return AddNode(options);
        return AddNode(
            new NodeRecord(stage.Kind, options, stage.Function, stage.Hint, typeof(TIn), typeof(TOut) == typeof(Unit) ? null : typeof(TOut))
            {
                StartsAnew = stage.StartsAnew,
                KeepsState = stage.KeepsState,
                // A consecutor would store the state of such an operator in another form.
                LanesBy = options.KeyedLanes > 0 ? LaneSetting.KeyByLanes
                    : stage.Stateful is null ? LaneSetting.Parallel
                    : stage.Exclusive is not null || (Following is not null && stage.Remembers) ? LaneSetting.None : LaneSetting.KeyBy,
            });
    }

    /// <summary>Adds a node that is described in full.</summary>
    public int AddNode(in NodeRecord node)
    {
        EnsureStack();
        hasGivenNames |= node.Options.Name is not null;
        recorder?.Add(node);
        return nodes++;
    }

    /// <summary>Adds a node when nothing is drawn.</summary>
    public int AddNode(StageOptions options)
    {
        EnsureStack();
        hasGivenNames |= options.Name is not null;
        return nodes++;
    }

    // Each stage is built inside of the one behind it. The runtime answers while there is room for hundreds of them.
    private void EnsureStack()
    {
        if (nodes % 8 == 0) StageStack.Ensure();
    }

    /// <summary>Adds an edge to the node that the inlet belongs to.</summary>
    public void Connect<T>(int from, Inlet<T> next)
    {
        next.ComesFrom(from);
        if (recorder is null) return;
        if (next.Node >= 0) recorder.Connect(from, next.Node, nextPort);
        nextPort = null;
    }

    /// <summary>Names the edge to the branch that is built next.</summary>
    public void NamePort(string? port) => nextPort = port;

    /// <summary>Creates the context of a new instance; its counters are part of snapshots.</summary>
    public StageContext Context(int node)
    {
        var context = new StageContext(Run, node);
        Run.Add(context);
        return context;
    }

    /// <summary>Puts a boundary in front of an inlet, with a separate island behind it.</summary>
    /// <param name="inlet">The inlet behind the boundary.</param>
    /// <param name="capacity">The number of items that the boundary holds.</param>
    /// <param name="from">The node that fills the boundary, if <see cref="Connect"/> will not tell; otherwise -1.</param>
    public Inlet<T> Boundary<T>(Inlet<T> inlet, int capacity, int from = -1)
    {
        var pump = new IslandPump(Run, inlet.Node);
        Run.Add(pump);
        inlet = Isolated(inlet);
        Boundary<T> boundary = pump.AddInput(inlet, capacity);
        boundary.ComesFrom(from);
        return boundary;
    }

    /// <summary>Wraps the inlet so that failures of single items stop there, in runs that continue after them.</summary>
    public Inlet<T> Isolated<T>(Inlet<T> inlet)
        => Following is null || IsDrawing || inlet is Terminal or FailureBoundary<T> or Boundary<T> ? inlet
        : new FailureBoundary<T>(inlet, Following.KeepsOrder);

    /// <summary>
    /// Registers the inlet of a node as an entrance. Not inside a fork-join: the parts of the other branches would be missing.
    /// </summary>
    public void Enter<T>(int node, Inlet<T> inlet)
    {
        if (ForkJoins == 0) Following?.Add(node, inlet);
    }

    /// <summary>Makes the inlet of a node that is only drawn, and registers it.</summary>
    public DrawnInlet<T> Drawn<T>(int node)
    {
        var inlet = new DrawnInlet<T>(node);
        Enter(node, inlet);
        return inlet;
    }

    /// <summary>Refuses a stage that would lose items in a crash, in runs that must continue after one.</summary>
    /// <exception cref="InvalidTopologyException">The run is tracked, and <paramref name="forgets"/> is a reason.</exception>
    public void Check(string kind, string? forgets, string? hint = null, bool isByKey = false)
    {
        if (Following is null || forgets is null) return;
        throw new InvalidTopologyException(
            $"{(hint is null ? $"A {kind}" : $"The {kind} {hint}")} does not fit into {Following.Home}: it {forgets}, and would forget "
                + $"that when the process ends. Put it in front of {Following.Home.Replace("a ", "the ", StringComparison.Ordinal)}, or "
                + $"into a pipeline of its "
                + $"own{(isByKey && Following.Home == ItemTracking.Consecutor ? "; or use a StatefulStageNode or a TimedStageNode, which "
                + "have state by key" : "")}.");
    }

    /// <summary>Refuses a node of which there is one instance, in runs of which there are two at a time.</summary>
    /// <exception cref="InvalidTopologyException">The run is a consecutor's.</exception>
    public void CheckInstances(string? hint)
    {
        if (Following is not { Home: ItemTracking.Consecutor }) return;
        throw new InvalidTopologyException(
            $"The node {hint} does not fit into a consecutor: it is one instance, and a consecutor needs several, because items that enter "
                + $"in the middle (redriven letters, halves of lists) have a run of their own. Give a factory: "
                + $"StageNode.Of(() => new {hint}(…)).");
    }

    /// <summary>Checks and records a stage that keeps state in a consecutor's store.</summary>
    /// <param name="kind">The kind of the stage.</param>
    /// <param name="hint">The name it would get without one of its own.</param>
    /// <param name="name">The name that the user gave it.</param>
    /// <param name="emits">The type of its outputs.</param>
    /// <param name="isTimed">Whether it acts when time has passed.</param>
    /// <param name="isInLanes">Whether a KeyBy stands before it although it keeps no state by key.</param>
    /// <param name="shape">The shape of its state.</param>
    /// <exception cref="InvalidTopologyException">It has no valid name of its own, or stands in lanes.</exception>
    public void KeepsState(string kind, string? hint, string? name, Type emits, bool isTimed, bool isInLanes, StateShape shape)
    {
        if (Following is { Home: not ItemTracking.Consecutor }) Check(kind, "remembers items", hint);
        if (recorder is not null) (recorder.KeepsState, recorder.KeepsTime) = (true, recorder.KeepsTime || isTimed);
        string what = hint is null ? $"{(kind[0] is 'a' ? "An" : "A")} {kind}" : $"The {kind} {hint}";
        if (name is null)
            throw new InvalidTopologyException(
                $"{what} keeps state in a consecutor, and needs a name of its own: its state outlives the code, and is found again by the "
                    + $"name. Put | Stage.Named(\"…\") behind it.");
        if (name.Any(char.IsControl)) throw new InvalidTopologyException(
            $"{what} keeps state in a consecutor, and its name has a control character: its state could not be told from that of others. "
                + $"Give it another one.");
        if (name.StartsWith('$')) throw new InvalidTopologyException(
            $"{what} keeps state in a consecutor and is called '{name}': names that begin with $ are those of the library's own rows "
                + $"there. Give it another one.");
        recorder?.States.TryAdd(name, shape);
        if (emits != typeof(Unit)) recorder?.Emitted.Add((name, emits));
        if (isInLanes)
        {
            throw new InvalidTopologyException(
                $"The {kind} {name} cannot stand in lanes in a consecutor: there, its state is stored for each partition, not for each "
                    + $"key. Write a StatefulStageNode or a TimedStageNode, which have state by key. (Without Stage.KeyBy it works for "
                    + $"each partition by itself, and gathers the items of many keys together.)");
        }
    }

    /// <summary>The number of fork-joins around the branch that is being built.</summary>
    public int ForkJoins { get; set; }

    /// <summary>Refuses, in a branch of a fork-join, a stage whose outputs are not parts of one item.</summary>
    /// <exception cref="InvalidTopologyException">A branch of a fork-join is being built.</exception>
    public void CheckParts(string kind)
    {
        if (ForkJoins == 0) return;
        throw new InvalidTopologyException(
            $"A {kind} does not fit into a branch of a fork-join: what it puts out is no part of one item, and the join would not know of "
                + $"which. Put it in front of the fork-join or behind it, or join by a key (Join).");
    }

    /// <summary>Refuses Bisect in a branch of a fork-join: a failure there fails the whole item.</summary>
    /// <exception cref="InvalidTopologyException">A branch of a fork-join is being built, in a tracked run.</exception>
    public void CheckDivides(string kind)
    {
        if (ForkJoins == 0 || Following is null) return;
        throw new InvalidTopologyException(
            $"Bisect does not fit to a {kind} in a branch of a fork-join in a consecutor: an item that fails in a branch fails as a "
                + $"whole, and nothing of it is committed. Put the stage in front of the fork-join or behind it.");
    }

    /// <summary>Records a named output that a stage writes.</summary>
    /// <param name="name">The name of the output.</param>
    /// <param name="type">The type of its items.</param>
    /// <exception cref="InvalidTopologyException">Another stage writes items of another type to it.</exception>
    public void NamesOutput(string name, Type type)
    {
        if (recorder is null) return;
        if (!recorder.Outputs.TryAdd(name, type) && recorder.Outputs[name] != type)
            throw new InvalidTopologyException(
                $"The output '{name}' would carry {TypeNames.Of(recorder.Outputs[name])} and {TypeNames.Of(type)}. Give each type an "
                    + $"output of its own.");
    }

    /// <summary>Records a stage that counts on one run.</summary>
    public void CountsOnOneRun() => recorder?.CountsOnOneRun = true;

    /// <summary>Records a node that may have named outputs.</summary>
    public void MayName(IHasOutputs owner) => recorder?.OutputOwners.Add(owner);

    /// <summary>Checks that something writes to each requested output; its reader would wait without end otherwise.</summary>
    /// <exception cref="ArgumentException">A requested output has no writer.</exception>
    public void CheckOutputs()
    {
        foreach (string name in Run.Options.Outputs)
        {
            if (Run.Recorder.HasOutput(name)) continue;
            throw new ArgumentException(
                $"RunOptions.Outputs asks for '{name}', and nothing in the pipeline writes to an output of that "
                    + $"name. {Run.Recorder.DescribeOutputs(name)}", nameof(RunOptions.Outputs));
        }
    }

    /// <summary>The tickets of a source; null if the run does not track its items.</summary>
    /// <param name="source">The node of the source.</param>
    /// <param name="ended">Called for each item that has ended; null if not needed.</param>
    public TicketRing? Tickets(int source, Action? ended = null)
    {
        if (!Run.Options.TrackItems && !NeedsTickets) return null;
        var ring = new TicketRing(source, ended);
        Run.Tickets.Add(ring);
        return ring;
    }

    public PipelineRun Launch(CancellationToken cancellation)
    {
        CheckOpen();
        if (hasGivenNames) _ = Run.Topology;         // throws for a duplicate name before anything runs
        Run.Launch(cancellation);
        return Run;
    }
}
