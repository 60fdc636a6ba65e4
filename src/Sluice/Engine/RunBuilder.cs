namespace Sluice;

/// <summary>
/// Makes a run out of a pipeline: walks from its ends to its sources, each piece making its inlet in front of the next
/// one's and handing it to what is upstream.
/// </summary>
/// <remarks>Used by one thread. Also makes the runs that are never launched, of which only the topology is wanted.</remarks>
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
        Run = new PipelineRun(options, blueprint);
        IsMultiThread = options.Mode == ExecutionMode.MultiThread;
    }

    private RunBuilder(IBlueprint blueprint, bool isFollowed, string home)
        : this(isFollowed ? DrawingOptions with { Following = new ItemTracking(blueprint) { Home = home } } : DrawingOptions, blueprint) => recorder = new TopologyRecorder();

    public PipelineRun Run { get; }

    public bool IsMultiThread { get; }

    /// <summary>Only the topology is wanted: no user code may be called, but for a node's factory, and nothing outside touched.</summary>
    public bool IsDrawing => recorder is not null;

    /// <summary>Set when the run goes on after failures, for somebody who follows its items.</summary>
    public ItemTracking? Following { get; }

    /// <summary>Set when a stage needs to know which root item it is working for.</summary>
    public bool NeedsTickets { get; set; }

    /// <summary>Writes down the nodes and edges of a blueprint: by building a run that is never launched, so that the picture cannot differ from the run.</summary>
    /// <param name="blueprint">What to draw.</param>
    /// <param name="isFollowed">Whether it is also to be checked for stages that do not fit into runs that are followed.</param>
    /// <param name="home">What such a run belongs to, in messages.</param>
    public static TopologyRecorder Draw(IBlueprint blueprint, bool isFollowed = false, string home = ItemTracking.Consecutor)
    {
        var builder = new RunBuilder(blueprint, isFollowed, home);
        blueprint.Build(builder);
        builder.CheckOpen();
        return builder.recorder!;
    }

    /// <summary>The number of a new node. Numbers are given in the same order whenever a blueprint is built; a run needs no more than that.</summary>
    public int AddNode(string kind, StageOptions options, Delegate? function, string? hint, Type? input, Type? output, bool isOnlyEdges = false)
        => AddNode(new NodeRecord(kind, options, function, hint, input, output, isOnlyEdges));

    public int AddNode<TIn, TOut>(Operator<TIn, TOut> stage, StageOptions options)
    {
        if (!IsDrawing) return AddNode(options);
        return AddNode(
            new NodeRecord(stage.Kind, options, stage.Function, stage.Hint, typeof(TIn), typeof(TOut) == typeof(Unit) ? null : typeof(TOut))
            {
                StartsAnew = stage.StartsAnew,
                KeepsState = stage.KeepsState,
            });
    }

    /// <summary>The same for a node that is described in full.</summary>
    public int AddNode(in NodeRecord node)
    {
        hasGivenNames |= node.Options.Name is not null;
        recorder?.Add(node);
        return nodes++;
    }

    /// <summary>The same where nothing is drawn.</summary>
    public int AddNode(StageOptions options)
    {
        hasGivenNames |= options.Name is not null;
        return nodes++;
    }

    /// <summary>An edge to whatever node the inlet belongs to.</summary>
    public void Connect<T>(int from, Inlet<T> next)
    {
        next.ComesFrom(from);
        if (recorder is null) return;
        if (next.Node >= 0) recorder.Connect(from, next.Node, nextPort);
        nextPort = null;
    }

    /// <summary>The branch that is built next; its edge gets this name.</summary>
    public void NamePort(string? port) => nextPort = port;

    /// <summary>A new instance's context, whose counters are part of the snapshot.</summary>
    public StageContext Context(int node)
    {
        var context = new StageContext(Run, node);
        Run.Add(context);
        return context;
    }

    /// <summary>Puts a boundary before an inlet, with an island of its own behind it.</summary>
    /// <param name="inlet">What takes the items.</param>
    /// <param name="capacity">How many the boundary holds.</param>
    /// <param name="from">The node that fills it, when that is not to be connected to it.</param>
    public Inlet<T> Boundary<T>(Inlet<T> inlet, int capacity, int from = -1)
    {
        var pump = new IslandPump(Run, inlet.Node);
        Run.Add(pump);
        inlet = Isolated(inlet);
        Boundary<T> boundary = pump.AddInput(inlet, capacity);
        boundary.ComesFrom(from);
        return boundary;
    }

    /// <summary>The inlet such that failures of items do not come out of it, in runs that go on after them.</summary>
    public Inlet<T> Isolated<T>(Inlet<T> inlet)
        => Following is null || IsDrawing || inlet is Terminal or FailureBoundary<T> or Boundary<T> ? inlet : new FailureBoundary<T>(inlet, Following.KeepsOrder);

    /// <summary>A node takes its items in here. Nothing enters in a branch of a fork-join: the other branches would be missing.</summary>
    public void Enter<T>(int node, Inlet<T> inlet)
    {
        if (!IsDrawing && ForkJoins == 0) Following?.Add(node, inlet);
    }

    /// <summary>Refuses a stage that would forget something in a crash, in runs that are to be gone on with after one.</summary>
    /// <exception cref="InvalidTopologyException">The run is followed, and there is a reason.</exception>
    public void Check(string kind, string? forgets, string? hint = null, bool isByKey = false)
    {
        if (Following is null || forgets is null) return;
        throw new InvalidTopologyException(
            $"{(hint is null ? $"A {kind}" : $"The {kind} {hint}")} does not fit into {Following.Home}: it {forgets}, and would forget that when the process ends. Put it in front of {Following.Home.Replace("a ", "the ", StringComparison.Ordinal)}, or into a pipeline of its own{(isByKey && Following.Home == ItemTracking.Consecutor ? "; or use a StatefulStageNode or a TimedStageNode, which have state by key" : "")}.");
    }

    /// <summary>A stage keeps state in the store of a consecutor.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="hint">What it would be called.</param>
    /// <param name="name">What it is called by the user.</param>
    /// <param name="emits">What it puts out.</param>
    /// <param name="isTimed">Whether it acts when time has passed.</param>
    /// <param name="isInLanes">Whether a KeyBy stands before it, and it keeps no state by key here.</param>
    /// <param name="shape">What it remembers.</param>
    /// <exception cref="InvalidTopologyException">It has no name of its own, or stands in lanes.</exception>
    public void KeepsState(string kind, string? hint, string? name, Type emits, bool isTimed, bool isInLanes, StateShape shape)
    {
        if (Following is { Home: not ItemTracking.Consecutor }) Check(kind, "remembers items", hint);
        if (recorder is not null) (recorder.KeepsState, recorder.KeepsTime) = (true, recorder.KeepsTime || isTimed);
        string what = hint is null ? $"A {kind}" : $"The {kind} {hint}";
        if (name is null)
            throw new InvalidTopologyException($"{what} keeps state in a consecutor, and needs a name of its own: its state outlives the code, and is found again by the name. Put | Stage.Named(\"…\") behind it.");
        if (name.Any(char.IsControl)) throw new InvalidTopologyException($"{what} keeps state in a consecutor, and its name has a control character: its state could not be told from that of others. Give it another one.");
        if (name.StartsWith('$')) throw new InvalidTopologyException($"{what} keeps state in a consecutor and is called '{name}': names that begin with $ are those of the library's own rows there. Give it another one.");
        recorder?.States.TryAdd(name, shape);
        if (emits != typeof(Unit)) recorder?.Emitted.Add((name, emits));
        if (isInLanes)
        {
            throw new InvalidTopologyException(
                $"The {kind} {name} cannot stand in lanes in a consecutor: there, its state is stored for each partition, not for each key. Leave Stage.KeyBy out, and it works for each partition by itself; or use a StatefulStageNode, which has state by key.");
        }
    }

    /// <summary>How many fork-joins what is built now is a branch of.</summary>
    public int ForkJoins { get; set; }

    /// <summary>Refuses what is no part of one item, where parts are put together by the item that they are of.</summary>
    /// <exception cref="InvalidTopologyException">A branch of a fork-join is being built.</exception>
    public void CheckParts(string kind)
    {
        if (ForkJoins == 0) return;
        throw new InvalidTopologyException(
            $"A {kind} does not fit into a branch of a fork-join: what it puts out is no part of one item, and the join would not know of which. Put it in front of the fork-join or behind it, or join by a key (Join).");
    }

    /// <summary>Refuses to divide a list where a failure is one of the whole item, whose other branches would be missing.</summary>
    /// <exception cref="InvalidTopologyException">A branch of a fork-join is being built, in a run that is followed.</exception>
    public void CheckDivides(string kind)
    {
        if (ForkJoins == 0 || Following is null) return;
        throw new InvalidTopologyException(
            $"Bisect does not fit to a {kind} in a branch of a fork-join in a consecutor: an item that fails in a branch fails as a whole, and nothing of it is committed. Put the stage in front of the fork-join or behind it.");
    }

    /// <summary>A stage puts items out by a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">What it puts out.</param>
    /// <exception cref="InvalidTopologyException">Another one puts out something else by that name.</exception>
    public void NamesOutput(string name, Type type)
    {
        if (recorder is null) return;
        if (!recorder.Outputs.TryAdd(name, type) && recorder.Outputs[name] != type)
            throw new InvalidTopologyException($"The output '{name}' would carry {TypeNames.Of(recorder.Outputs[name])} and {TypeNames.Of(type)}. Give each type an output of its own.");
    }

    /// <summary>A node may have outputs.</summary>
    public void MayName(IHasOutputs owner) => recorder?.OutputOwners.Add(owner);

    /// <summary>Whoever asks for an output that nothing writes would wait for nothing.</summary>
    /// <exception cref="ArgumentException">Somebody does.</exception>
    public void CheckOutputs()
    {
        foreach (string name in Run.Options.Outputs)
        {
            if (Run.Recorder.HasOutput(name)) continue;
            throw new ArgumentException(
                $"RunOptions.Outputs asks for '{name}', and nothing in the pipeline writes to an output of that name. {Run.Recorder.DescribeOutputs(name)}", nameof(RunOptions.Outputs));
        }
    }

    /// <summary>The tickets of a source, or null when the run does not follow its items.</summary>
    /// <param name="source">The node of the source.</param>
    /// <param name="ended">Called for each item that has ended; null if nobody wants to know.</param>
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
        if (hasGivenNames) _ = Run.Topology;         // says so before anything runs when a name is not unique
        Run.Launch(cancellation);
        return Run;
    }
}
