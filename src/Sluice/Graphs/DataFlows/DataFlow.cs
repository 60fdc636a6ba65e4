using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>
/// A data flow: stages in sequence, each with functions that run side by side. Values travel by name: a parameter gets the flow's
/// parameter, or the result of an earlier function, of its name.
/// </summary>
/// <remarks>
/// <para>
/// Write <c>DataFlow.From(SourceAsync, Target) | Compare | (LogAsync, Notify)</c>, or <c>DataFlow flow = [[SourceAsync, Target], [Compare],
/// [LogAsync, Notify]]</c>. A flow can stand in place of a function: it is one member of its stage, and runs beside the others.
/// </para>
/// <para>
/// Immutable; any number of runs may be in progress, from any threads. Synchronous functions run on pool threads, asynchronous ones start
/// on the thread that ended the stage before. Arguments are bound once for each form of parameters; <see cref="Check"/> binds them ahead of
/// time.
/// </para>
/// </remarks>
[RequiresUnreferencedCode(Untrimmed)]
[CollectionBuilder(typeof(DataFlow), nameof(Create))]
public sealed partial class DataFlow
{
    internal const string Untrimmed =
        "Data flows bind values to parameters by the names of parameters, properties and tuple members, which trimming may remove.";

    private const int MaxPrograms = 64;
    private const int MaxForms = 8;                 // of dictionaries; one more program serves all others

    private readonly Lock sync = new();
    private volatile CompiledDataFlow[] programs = [];    // one for each form of parameters seen
    private CompiledDataFlow? anyEntries;
    private Topology? topology;

    private DataFlow(object[][] stages) => Stages = stages;

    private DataFlow(DataFlow other, object[][] stages) : this(stages)
        => (Name, Given, IsReflected) = (other.Name, other.Given, other.IsReflected);

    /// <summary>The name of the flow; null for none.</summary>
    public string? Name { get; private init; }

    /// <summary>The options of its runs.</summary>
    public DataFlowOptions Options => Given ?? Default;

    /// <summary>
    /// The graph of the functions. Draw it with <c>ToText</c>, <c>ToMermaid</c> or <c>ToDot</c>. Where several functions wait for several
    /// others, a node <c>join</c> is between.
    /// </summary>
    /// <exception cref="DataFlowException">A parameter has no source, or one of another type.</exception>
    public Topology Topology => topology ??= new BindingLayout(this, new FlowResults([new UnknownValue()])).Topology;

    /// <summary>The members of each stage: functions and flows.</summary>
    internal object[][] Stages { get; }

    internal DataFlowVisibility? Visibility => Given?.Visibility;

    internal bool IsReflected { get; private init; }

    private static DataFlowOptions Default { get; } = new();

    private DataFlowOptions? Given { get; init; }

    /// <summary>Begins a flow with a stage.</summary>
    /// <param name="functions">The functions, which run side by side: methods, lambdas with a name (<see cref="Function"/>), flows.</param>
    /// <exception cref="DataFlowException">There are no functions, or values cannot be bound to one of them.</exception>
    public static DataFlow From(params ReadOnlySpan<Delegate> functions) => new([DataFlowStage.Members(functions)]);

    /// <summary>Wraps a function to configure it: its name, the names of its values, retries.</summary>
    /// <exception cref="DataFlowException">Values cannot be bound to it by name, because it has a by-reference parameter or is <c>async
    /// void</c>.</exception>
    public static DataFlowFunction Function(Delegate function) => DataFlowFunction.Of(function);

    /// <summary>Makes a function with several implementations; a value chooses one in each run.</summary>
    /// <param name="name">The name of the function.</param>
    /// <param name="by">The name of the value, which is compared with the keys as text.</param>
    /// <param name="implementations">The implementations, which return the same type. The parameters of all of them must have
    /// sources.</param>
    /// <exception cref="DataFlowException">There are no implementations, a key is null, two keys are the same, or they return different
    /// types.</exception>
    public static DataFlowFunction Dispatch(string name, string by, params (string Key, Delegate Function)[] implementations)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentException.ThrowIfNullOrWhiteSpace(by);
        ArgumentNullException.ThrowIfNull(implementations);
        return DataFlowFunction.Dispatch(name, by, implementations);
    }

    /// <summary>
    /// Makes a function with several implementations; the definition of a flow chooses one: <c>From(Load["csv"]) | Count</c>.
    /// </summary>
    /// <param name="name">The name of the function.</param>
    /// <param name="implementations">The implementations, which may return different types.</param>
    /// <exception cref="DataFlowException">There are no implementations, a key is null, or two keys are the same.</exception>
    public static DataFlowFunction Dispatch(string name, params (string Key, Delegate Function)[] implementations)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(implementations);
        return DataFlowFunction.Dispatch(name, null, implementations);
    }

    /// <summary>Makes a flow from its stages; for collection expressions.</summary>
    /// <exception cref="DataFlowException">There are no stages.</exception>
    public static DataFlow Create(ReadOnlySpan<DataFlowStage> stages)
    {
        if (stages.IsEmpty) throw new DataFlowException("The data flow has no stages. Give at least one function.");
        var members = new object[stages.Length][];
        for (int i = 0; i < members.Length; i++) members[i] = stages[i].All;
        return new(members);
    }

    /// <summary>Returns the flow with a name, for drawings.</summary>
    public DataFlow Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(this, Stages) { Name = name };
    }

    /// <summary>Returns the flow with options. In a nested flow only the visibility counts; without one, that of the outer flow.</summary>
    public DataFlow With(DataFlowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new(this, Stages) { Given = options };
    }

    /// <summary>Returns the flow with another visibility.</summary>
    public DataFlow With(DataFlowVisibility visibility) => With(Options with { Visibility = visibility });

    /// <summary>Checks that every parameter has a source of a matching type. Runs check this, too, before they call a function.</summary>
    /// <param name="parameters">Sample parameters, such as <c>new { table = "" }</c>; if null, only values between functions are
    /// checked.</param>
    /// <returns>This flow.</returns>
    /// <exception cref="DataFlowException">A parameter has no source, or one of another type; the message names both and the available
    /// values.</exception>
    public DataFlow Check(object? parameters = null)
    {
        if (parameters is null) _ = Topology;
        else ProgramFor(parameters);
        return this;
    }

    /// <summary>Runs the flow.</summary>
    /// <param name="parameters">The parameters by name: an anonymous object, a record, another object with properties, or a dictionary;
    /// null, or <c>new { }</c>, for none.</param>
    /// <param name="cancellation">Cancels the run: tokens of running functions are cancelled, others do not start.</param>
    /// <returns>The results, when all functions have ended.</returns>
    /// <exception cref="DataFlowException">A parameter has no source, or one of another type. Thrown before any call, unless names or types
    /// are known only in the run.</exception>
    /// <exception cref="MergeConflictException">Two functions of a stage gave different values of the same name.</exception>
    /// <exception cref="NodeFailedException">A function failed. The others were cancelled and have ended, or the message names
    /// them.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public ValueTask<DataFlowResult> RunAsync(object? parameters = null, CancellationToken cancellation = default)
        => parameters is CancellationToken token ? RunAsync(null, token) : ProgramFor(parameters).RunAsync(parameters, cancellation);

    /// <summary>Converts the flow to a delegate, so that it can stand among functions.</summary>
    public Delegate ToDelegate() => (Func<DataFlow>)Self;

    /// <summary>Converts the flow to a delegate, so that it can stand among functions.</summary>
    public static implicit operator Delegate(DataFlow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        return flow.ToDelegate();
    }

    /// <summary>Enumerates the stages.</summary>
    public IEnumerator<DataFlowStage> GetEnumerator() => Stages.Select(stage => new DataFlowStage(stage)).GetEnumerator();

    /// <summary>Formats the flow like its definition: <c>(SourceAsync, Target) | Compare | (LogAsync, Notify)</c>.</summary>
    public override string ToString() => string.Join(" | ",
        Stages.Select(stage => stage is [DataFlowFunction only] ? only.ToString() : $"({string.Join(", ", stage)})"));

    /// <summary>The flow or function that a delegate stands for.</summary>
    internal static object Member(Delegate function)
        => function?.Target is DataFlow flow && function.Method.Name == nameof(Self) ? flow : DataFlowFunction.Of(function!);

    /// <summary>The number of functions that a stage starts.</summary>
    internal static int Starts(object[] stage) => stage.Sum(member => member is DataFlow flow ? Starts(flow.Stages[0]) : 1);

    /// <summary>Returns the flow with calls by reflection, as used where code cannot be compiled.</summary>
    internal DataFlow Reflected() => new(this, Stages) { IsReflected = true };

    private DataFlow Self() => this;

    private CompiledDataFlow ProgramFor(object? parameters)
    {
        foreach (CompiledDataFlow known in programs) if (known.Parameters.Fits(parameters)) return known;
        lock (sync)
        {
            foreach (CompiledDataFlow known in programs) if (known.Parameters.Fits(parameters)) return known;
            BindingParameters form = BindingParameters.Of(parameters);
            if (form.HasEntries && programs.Count(known => known.Parameters.HasEntries) >= MaxForms)
            {
                _ = new BindingLayout(this, form.Bag);      // throws if something does not fit, before any call
                return anyEntries ??= new(this, BindingParameters.AnyEntries);
            }
            var program = new CompiledDataFlow(this, form);
            programs = [.. programs.TakeLast(MaxPrograms - 1), program];
            return program;
        }
    }
}
