using System.Globalization;

namespace Sluice;

/// <summary>How nodes get their names: given ones are kept, all others are made unique around them.</summary>
internal static class NodeNames
{
    /// <summary>A hint for a node that runs this function, or null where the compiler made the name up, as for lambdas.</summary>
    internal static string? Of(Delegate function)
    {
        ArgumentNullException.ThrowIfNull(function);

        // new Func<…>(other) is a call of other's Invoke; the name that a person wrote is further in.
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
        return name[(name.LastIndexOf('.') + 1)..]; // an explicit interface implementation carries the interface's name
    }

    /// <summary>
    /// Names for all nodes, in order. Hints that repeat get <c>-2</c>, <c>-3</c>; nodes without one are called after their kind and
    /// their place among all nodes of that kind (<c>map-3</c> is the third map), so that naming one node renames no other.
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
