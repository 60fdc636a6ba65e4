using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// A flow of data written down as data: stages one after the other, and in each stage functions that run side by side. Values travel by name: parameters are bound to what
/// the flow is given and to what the functions before have returned.
/// </summary>
/// <remarks>
/// <para>
/// <c>DataFlow.From(SourceAsync, Target) | Compare | (LogAsync, Notify)</c>, or <c>DataFlow flow = [[SourceAsync, Target], [Compare], [LogAsync, Notify]]</c>. Another flow
/// may stand where a function does: it is one member of its stage, and runs beside the others.
/// </para>
/// <para>
/// Immutable: it may be run many times at once, from any threads. Synchronous functions are called on threads of the pool, asynchronous ones by whoever has ended the stage before.
/// What is bound to what is found once, for each form of parameters; <see cref="Check"/> does so ahead of time.
/// </para>
/// </remarks>
[RequiresUnreferencedCode(Untrimmed)]
[CollectionBuilder(typeof(DataFlow), nameof(Create))]
public sealed partial class DataFlow
{
    internal const string Untrimmed = "Data flows bind values to parameters by the names of parameters, properties and tuple members, which trimming may remove.";

    private const int MaxPrograms = 64;
    private const int MaxForms = 8;                 // of dictionaries: then one program is made for all others

    private readonly Lock sync = new();
    private volatile CompiledDataFlow[] programs = [];    // for the forms of parameters that were seen
    private CompiledDataFlow? anyEntries;
    private Topology? topology;

    private DataFlow(object[][] stages) => Stages = stages;

    private DataFlow(DataFlow other, object[][] stages) : this(stages)
        => (Name, Given, IsReflected) = (other.Name, other.Given, other.IsReflected);

    /// <summary>The name of the flow, or null.</summary>
    public string? Name { get; private init; }

    /// <summary>How it is run.</summary>
    public DataFlowOptions Options => Given ?? Default;

    /// <summary>The functions and who waits for whom: drawn by <c>ToText</c>, <c>ToMermaid</c>, <c>ToDot</c>. Where several functions wait for several others, they meet in a node called <c>join</c>.</summary>
    /// <exception cref="DataFlowException">A function takes what nothing gives it, or as another type.</exception>
    public Topology Topology => topology ??= new BindingLayout(this, new FlowResults([new UnknownValue()])).Topology;

    /// <summary>The members of each stage: functions and flows.</summary>
    internal object[][] Stages { get; }

    internal DataFlowVisibility? Visibility => Given?.Visibility;

    internal bool IsReflected { get; private init; }

    private static DataFlowOptions Default { get; } = new();

    private DataFlowOptions? Given { get; init; }

    /// <summary>Begins a flow with a stage.</summary>
    /// <param name="functions">What runs side by side: methods, lambdas with a name (<see cref="Function"/>), flows.</param>
    /// <exception cref="DataFlowException">There are none, or one of them is no function that values can be bound to.</exception>
    public static DataFlow From(params ReadOnlySpan<Delegate> functions) => new([DataFlowStage.Members(functions)]);

    /// <summary>A function, to say more about it: a name, other names for its values, retries.</summary>
    /// <exception cref="DataFlowException">Values cannot be bound to it by name: it takes something by reference, or is <c>async void</c>.</exception>
    public static DataFlowFunction Function(Delegate function) => DataFlowFunction.Of(function);

    /// <summary>One function name with several implementations, one of which is chosen in each run by a value.</summary>
    /// <param name="name">The name.</param>
    /// <param name="by">The name of the value. It is compared, as text, with the keys.</param>
    /// <param name="implementations">Functions that return one type. Whatever any of them takes must be there.</param>
    /// <exception cref="DataFlowException">There are none, two have one key, or they give different things.</exception>
    public static DataFlowFunction Dispatch(string name, string by, params (string Key, Delegate Function)[] implementations)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentException.ThrowIfNullOrWhiteSpace(by);
        ArgumentNullException.ThrowIfNull(implementations);
        return DataFlowFunction.Dispatch(name, by, implementations);
    }

    /// <summary>One function name with several implementations, one of which is chosen where the flow is defined: <c>From(Load["csv"]) | Count</c>.</summary>
    /// <param name="name">The name.</param>
    /// <param name="implementations">Functions; they need not return one type.</param>
    /// <exception cref="DataFlowException">There are none, or two have one key.</exception>
    public static DataFlowFunction Dispatch(string name, params (string Key, Delegate Function)[] implementations)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(implementations);
        return DataFlowFunction.Dispatch(name, null, implementations);
    }

    /// <summary>Makes a flow of its stages: what a collection expression calls.</summary>
    /// <exception cref="DataFlowException">There are none.</exception>
    public static DataFlow Create(ReadOnlySpan<DataFlowStage> stages)
    {
        if (stages.IsEmpty) throw new DataFlowException("The data flow has no stages. Give at least one function.");
        var members = new object[stages.Length][];
        for (int i = 0; i < members.Length; i++) members[i] = stages[i].All;
        return new(members);
    }

    /// <summary>Gives the flow a name, for pictures.</summary>
    public DataFlow Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(this, Stages) { Name = name };
    }

    /// <summary>The same flow, run in another way. Of a flow within another only the visibility counts; where nothing is said, it is that of the flow around it.</summary>
    public DataFlow With(DataFlowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new(this, Stages) { Given = options };
    }

    /// <summary>The same flow with another visibility.</summary>
    public DataFlow With(DataFlowVisibility visibility) => With(Options with { Visibility = visibility });

    /// <summary>Finds out whether every parameter gets an argument that fits. Runs do so by themselves, before anything is called.</summary>
    /// <param name="parameters">What it will be given, such as <c>new { table = "" }</c>; unless given, only what functions give each other is checked.</param>
    /// <returns>The flow.</returns>
    /// <exception cref="DataFlowException">A function takes what nothing gives it, or as another type: the message names the function, the parameter, and what there is.</exception>
    public DataFlow Check(object? parameters = null)
    {
        if (parameters is null) _ = Topology;
        else ProgramFor(parameters);
        return this;
    }

    /// <summary>Runs the flow.</summary>
    /// <param name="parameters">Its parameters by name: an anonymous object, a record or any other object with properties, or a dictionary; null for none.</param>
    /// <param name="cancellation">Stops it: functions that take a token are told, others do not start.</param>
    /// <returns>What came out, when everything has ended.</returns>
    /// <exception cref="DataFlowException">A function takes what nothing gives it, or as another type. Found before anything is called, unless the names or types are known only when a function has run.</exception>
    /// <exception cref="MergeConflictException">Two functions of a stage gave different values of one name.</exception>
    /// <exception cref="NodeFailedException">A function failed. The others were told to stop, and have ended, or are named in the message.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<DataFlowResult> RunAsync(object? parameters = null, CancellationToken cancellation = default)
        => parameters is CancellationToken token ? RunAsync(null, token) : ProgramFor(parameters).RunAsync(parameters, cancellation);

    /// <summary>The form in which it stands among functions.</summary>
    public Delegate ToDelegate() => (Func<DataFlow>)Self;

    /// <summary>The form in which it stands among functions.</summary>
    public static implicit operator Delegate(DataFlow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        return flow.ToDelegate();
    }

    /// <summary>The stages, as a collection.</summary>
    public IEnumerator<DataFlowStage> GetEnumerator() => Stages.Select(stage => new DataFlowStage(stage)).GetEnumerator();

    /// <summary>Reads like the definition: <c>(SourceAsync, Target) | Compare | (LogAsync, Notify)</c>.</summary>
    public override string ToString() => string.Join(" | ", Stages.Select(stage => stage is [DataFlowFunction only] ? only.ToString() : $"({string.Join(", ", stage)})"));

    /// <summary>The member that a delegate stands for.</summary>
    internal static object Member(Delegate function) => function?.Target is DataFlow flow && function.Method.Name == nameof(Self) ? flow : DataFlowFunction.Of(function!);

    /// <summary>How many functions a stage starts.</summary>
    internal static int Starts(object[] stage) => stage.Sum(member => member is DataFlow flow ? Starts(flow.Stages[0]) : 1);

    /// <summary>The same flow, called by reflection, as where code cannot be compiled.</summary>
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
                _ = new BindingLayout(this, form.Bag);      // finds what does not fit, before anything is called
                return anyEntries ??= new(this, BindingParameters.AnyEntries);
            }
            var program = new CompiledDataFlow(this, form);
            programs = [.. programs.TakeLast(MaxPrograms - 1), program];
            return program;
        }
    }
}
