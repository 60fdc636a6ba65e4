using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Makes the nodes of a graph from the drafts of a layout; once per flow and form of parameters.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal abstract class BindingCompiler
{
    // Delegates whose type tells a node whether its function takes a token.
    private static readonly Action<CancellationToken> WithToken = static _ => { };
    private static readonly Action WithoutToken = static () => { };

    public abstract bool IsReflected { get; }

    /// <summary>
    /// Makes a reader of the first of these values that is present; it returns <see cref="BoundValue.Absent"/> if none is.
    /// </summary>
    public abstract Func<GraphContext, object?> Reader(IReadOnlyList<BoundValue> places);

    public NodeDefinition Node(BindingDraft draft)
    {
        NodeDefinition node = draft.Function is null ? Meeting(draft) : Function(draft);
        node.Policy = draft.Function?.Policy ?? CallPolicy.None;
        node.IsOptional = draft.Function?.IsOptional ?? false;
        node.Places = draft.Function?.Places;
        if (draft.Function is { Replacement: { } replacement } function)
            node.SetFallback(draft.Result!.IsOpen ? exception => TaskAdapters.Open(replacement(function, exception, this), function, this)
                : exception => replacement(function, exception, this));
        node.Build();
        return node;
    }

    protected abstract NodeDefinition Function(BindingDraft draft);

    protected static NodeDefinition Define<T>(BindingDraft draft, NodeBody<T> body)
    {
        bool takesToken = draft.Calls.Exists(call => Array.Exists(call.Arguments, argument => argument.IsToken));
        return new NodeDefinition<T>(draft.Name, Array.ConvertAll(draft.Parents, parent => parent.Name), takesToken ? WithToken
            : WithoutToken, draft.Parents.Length == 0, body);
    }

    protected MissingBinding Missing(ParameterBinding binding)
        => new(binding, new Lazy<BindingCollector>(() => new(binding.Visible, this)), this);

    /// <summary>Makes one body of several, which chooses by the value of the key.</summary>
    protected NodeBody<T> Choose<T>(BindingDraft draft, NodeBody<T>[] bodies)
    {
        if (draft.Key is not { } key) return bodies[0];
        Func<GraphContext, object?> read = Reader(key.Places);
        MissingBinding missing = Missing(key);
        return (run, parents, cancellation) =>
        {
            object? value = read(run);
            if (value == BoundValue.Absent) value = missing.Only<object?>(run);
            return bodies[DispatchFunction.Find(draft.Function!, value, this)](run, parents, cancellation);
        };
    }

    private NodeDefinition Meeting(BindingDraft draft)
    {
        Action<GraphContext>[] checks = [.. draft.Meetings.SelectMany(pair => Checks(pair[0], pair[1]))];
        return Define<Unit>(draft, (run, _, _) =>
        {
            foreach (Action<GraphContext> check in checks) check(run);
            return default;
        });
    }

    private IEnumerable<Action<GraphContext>> Checks(BindingSources first, BindingSources second)
    {
        if (first.IsOpen || second.IsOpen)
        {
            (BindingCollector a, BindingCollector b) = (new(first, this), new(second, this));
            yield return run =>
            {
                var known = a.Collect(run);
                foreach (var (name, (value, giver)) in b.Collect(run))
                    if (known.TryGetValue(name, out var other) && !Equals(value, other.Value)) throw Conflict(name, other.Giver, giver);
            };
            yield break;
        }
        foreach (string name in first.Names.Intersect(second.Names, StringComparer.OrdinalIgnoreCase))
        {
            (List<BoundValue> mine, List<BoundValue> other) = ([], []);
            first.Find(name, mine);
            second.Find(name, other);
            (Func<GraphContext, object?> a, Func<GraphContext, object?> b) = (Reader(mine), Reader(other));
            yield return run =>
            {
                (object? one, object? two) = (a(run), b(run));
                if (one != BoundValue.Absent && two != BoundValue.Absent && !Equals(one, two))
                    throw Conflict(name, mine[0].Giver, other[0].Giver);
            };
        }
    }

    private MergeConflictException Conflict(string name, string first, string second)
        => new(name, first, second,
        $"The functions {first} and {second} run side by side and both gave \"{name}\", with different values. Let one of them give it "
            + $"another name: RenameOutput.")
        {
            Owner = this,
        };
}
