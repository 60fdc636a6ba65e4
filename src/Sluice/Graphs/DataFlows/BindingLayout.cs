using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>
/// Lays a flow out as a graph: a node for each function, and a join where several functions follow several, or where two may give the same
/// name.
/// </summary>
/// <remarks>Finds the source of every argument, and every problem with them.</remarks>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class BindingLayout
{
    private readonly List<BindingDraft> drafts = [];
    private readonly List<string> problems = [];
    private readonly BindingSources parameters;

    /// <param name="flow">The flow.</param>
    /// <param name="parameters">The parameters that the flow is given.</param>
    /// <exception cref="DataFlowException">The flow cannot run; the message lists all problems.</exception>
    public BindingLayout(DataFlow flow, BindingSources parameters)
    {
        this.parameters = parameters;
        var (_, given) = Sequence(flow, flow.Visibility ?? DataFlowVisibility.Stage, [], parameters, parameters);
        if (problems.Count > 0) throw new DataFlowException([.. problems.Distinct()]);
        Result = (flow.Visibility ?? DataFlowVisibility.Stage) == DataFlowVisibility.Stage && !given.IsEmpty ? given
            : BindingSources.Over(given, parameters);
        Topology = Draw(flow.Name);
        Order();
    }

    /// <summary>The drafts, in the order of the plan.</summary>
    public BindingDraft[] Drafts { get; private set; } = [];

    public Topology Topology { get; }

    /// <summary>The values that are visible at the end of the flow.</summary>
    public BindingSources Result { get; }

    /// <returns>The last nodes of the sequence, and the values that it adds.</returns>
    private (BindingDraft[] Ends, BindingSources Given) Sequence(DataFlow flow, DataFlowVisibility visibility, BindingDraft[] parents,
        BindingSources visible, BindingSources earlier)
    {
        BindingSources given = BindingSources.Empty;
        for (int i = 0; i < flow.Stages.Length; i++)
        {
            object[] members = flow.Stages[i];
            List<BindingDraft> ends = [];
            List<BindingSources> bags = [];
            foreach (object member in members)
            {
                var (itsEnds, its) = member is DataFlow nested
                    ? Sequence(nested, nested.Visibility ?? visibility, parents, visible, earlier)
                    : Function((DataFlowFunction)member, parents, visible, earlier);
                ends.AddRange(itsEnds);
                if (!its.IsEmpty) bags.Add(its);
            }
            BindingSources[][] meetings = [.. Meetings(bags)];
            bool meet = meetings.Length > 0 || (ends.Count > 1 && i + 1 < flow.Stages.Length && DataFlow.Starts(flow.Stages[i + 1]) > 1);
            parents = meet ? [Join(ends, meetings)] : [.. ends];
            BindingSources stage = BindingSources.Beside(bags);
            earlier = BindingSources.Over(stage, earlier);
            if (visibility == DataFlowVisibility.All) given = BindingSources.Over(stage, given);
            else if (!stage.IsEmpty) given = stage;
            visible = visibility switch
            {
                DataFlowVisibility.All => BindingSources.Over(stage, visible),
                _ when stage.IsEmpty => visible,
                DataFlowVisibility.Initial => BindingSources.Over(stage, parameters),
                _ => stage,
            };
        }
        return (parents, given);
    }

    private (BindingDraft[] Ends, BindingSources Given) Function(DataFlowFunction function, BindingDraft[] parents, BindingSources visible,
        BindingSources earlier)
    {
        string name = function.Name!;
        var draft = new BindingDraft(name, parents) { Function = function };
        drafts.Add(draft);
        if (function.Key is { } key) draft.Key = ParameterBinding.Key(name, function.Inputs.GetValueOrDefault(key, key), visible, earlier,
            problems);
        foreach (DataFlowFunction one in function.Choices?.Select(choice => choice.Function) ?? [function])
            draft.Calls.Add(new(one.Signature!, ParameterBinding.Bind(name, one.Signature!.Parameters,
                parameter => NameOf(one, function, parameter), visible, earlier, problems)));
        draft.Result = ResultBinding.Of(function, draft.Calls[0].Signature);
        if (draft.Result.IsNothing) return ([draft], BindingSources.Empty);
        BindingSources given = draft.Result.Bag(draft, function.PlainName, function.Outputs);
        foreach (IGrouping<string, BoundValue> same in given.Values.GroupBy(value => value.Name, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1))
            problems.Add($"{name} gives \"{same.Key}\" twice: names are the same whatever their case. Rename one.");
        return ([draft], given);
    }

    private static string NameOf(DataFlowFunction one, DataFlowFunction whole, string parameter)
        => one.Inputs.TryGetValue(parameter, out string? renamed) ? renamed : whole.Inputs.GetValueOrDefault(parameter, parameter);

    /// <summary>Finds the pairs of members that may give the same name.</summary>
    private static IEnumerable<BindingSources[]> Meetings(List<BindingSources> bags)
        => from second in Enumerable.Range(0, bags.Count)
           from first in Enumerable.Range(0, second)
           where bags[first].IsOpen || bags[second].IsOpen
           || bags[first].Names.Intersect(bags[second].Names, StringComparer.OrdinalIgnoreCase).Any()
           select new[] { bags[first], bags[second] };

    private BindingDraft Join(List<BindingDraft> ends, BindingSources[][] meetings)
    {
        var join = new BindingDraft("join", [.. ends]);
        join.Meetings.AddRange(meetings);
        drafts.Add(join);
        return join;
    }

    private Topology Draw(string? name)
    {
        var builder = new TopologyBuilder(name) { Term = "data flow" };
        for (int i = 0; i < drafts.Count; i++)
        {
            BindingDraft draft = drafts[i];
            draft.Number = i;
            bool isFunction = draft.Function is not null;
            builder.Add(isFunction ? "function" : "join", hint: draft.Name, output: isFunction && !draft.Result!.IsNothing
                ? draft.ValueType == typeof(NamedValues) ? draft.Calls[0].Signature.Value : draft.ValueType : null,
                details: draft.Function?.Describe());
            foreach (BindingDraft parent in draft.Parents) builder.Connect(parent.Number, i);
        }
        Topology topology = builder.Build(open: true);
        for (int i = 0; i < drafts.Count; i++) drafts[i].Name = topology.Nodes[i].Name;
        return topology;
    }

    /// <summary>
    /// Orders the nodes by level; synchronous functions first, so that they compute on pool threads while asynchronous ones are called.
    /// </summary>
    private void Order()
    {
        Drafts = [.. drafts.OrderBy(draft => draft.Level).ThenBy(draft => draft.IsSynchronous ? 0 : 1)];
        for (int i = 0; i < Drafts.Length; i++) Drafts[i].Number = i;
    }
}
