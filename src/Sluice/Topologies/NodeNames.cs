namespace Sluice.Topologies;

/// <summary>Assigns the names of nodes: names from the user stay, all others are made unique.</summary>
internal static class NodeNames
{
    /// <summary>Returns a name hint for a node that runs a function; null if the compiler made up the name, as for lambdas.</summary>
    internal static string? Of(Delegate function)
    {
        ArgumentNullException.ThrowIfNull(function);

        // new Func<…>(other) calls other.Invoke: the method with a readable name is inside.
        while (function.Target is Delegate inner && function.Method.Name == "Invoke") function = inner;

        var name = function.Method.Name;
        var local = name.LastIndexOf(">g__", StringComparison.Ordinal);
        if (local >= 0)
        {
            var start = local + ">g__".Length;
            var end = name.IndexOf('|', start);
            return end > start ? name[start..end] : null;
        }

        if (name.StartsWith('<') || name.StartsWith("lambda_method", StringComparison.Ordinal) || name.Length == 0) return null;
        return name[(name.LastIndexOf('.') + 1)..]; // an explicit interface implementation has the interface's name in front
    }

    /// <summary>
    /// Assigns names to all nodes, in order. A repeated hint gets <c>-2</c>, <c>-3</c>. A node without a hint gets its kind and its number
    /// among nodes of that kind (<c>map-3</c> is the third map), so that naming one node renames no other.
    /// </summary>
    internal static string[] Assign(IReadOnlyList<TopologyBuilder.Draft> drafts)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var draft in drafts)
            if (draft.Name is { } given) taken.Add(given);

        var names = new string[drafts.Count];
        var ofKind = new Dictionary<string, int>(StringComparer.Ordinal);
        var repeats = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
        {
            var draft = drafts[i];
            var place = ofKind[draft.Kind] = ofKind.GetValueOrDefault(draft.Kind) + 1;
            names[i] = draft.Name ?? Free(draft.Hint ?? $"{draft.Kind}-{place.ToString(CultureInfo.InvariantCulture)}");
        }

        return names;

        string Free(string wanted)
        {
            if (taken.Add(wanted)) return wanted;
            var repeat = repeats.GetValueOrDefault(wanted, 1);
            string name;
            do name = $"{wanted}-{(++repeat).ToString(CultureInfo.InvariantCulture)}";
            while (!taken.Add(name));
            repeats[wanted] = repeat;
            return name;
        }
    }
}
