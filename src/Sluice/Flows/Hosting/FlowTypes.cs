using System.Text.Json;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>
/// Checks the types of a run's streams against the functions of this service. Types are compared by short name, and never loaded by name.
/// </summary>
internal static class FlowTypes
{
    private const int MaxSchemas = 64 << 10;         // letters, in the plan of a run

    /// <exception cref="FlowException">The function has other types than the run's streams.</exception>
    public static void Check(StreamPlan[] streams, ProcessorPlan plan, BoundFunction function)
    {
        foreach (string name in plan.Inputs.Concat(plan.Outputs))
        {
            if (Array.Find(streams, stream => stream.Name == name)?.Type is not { } known) continue;
            if (!function.Types.TryGetValue(name, out Type? type) || TypeNames.ToStore(type) == known) continue;
            throw new FlowException(
                $"The stream {name} has values of the type {known}; the function of the processor {plan.Name} in this "
                    + $"service {(plan.Inputs.Contains(name) ? "reads" : "writes")} {TypeNames.Of(type)}. Change one of them.");
        }
    }

    /// <summary>The types of a flow's streams, as far as this process knows them.</summary>
    /// <exception cref="InvalidTopologyException">A stream has different types in two places.</exception>
    public static Dictionary<string, FlowType> Of(Flow flow, IEnumerable<IOVal> given, Func<string, BoundFunction?> find,
        PayloadSerializers serializers)
    {
        Dictionary<string, (Type Known, string Type, string Who)> known = new(StringComparer.Ordinal);
        List<string> problems = [];
        foreach (IOVal value in given) Add(value.Name, value.Type, "what it is started with");
        foreach (Processor processor in flow.Processors)
        {
            if (find(processor.Name) is not { } function || !function.Processor.Equals(processor)) continue;
            foreach (string name in processor.Outputs.Where(function.Types.ContainsKey))
                Add(name, function.Types[name], $"{processor.Name}, which writes it,");
            foreach (string name in processor.Inputs.Where(function.Types.ContainsKey))
                Add(name, function.Types[name], $"{processor.Name}, which reads it,");
        }
        if (problems.Count > 0) throw new InvalidTopologyException(problems);
        int room = MaxSchemas;
        return known.ToDictionary(static pair => pair.Key, pair => new FlowType(pair.Value.Type, Schema(pair.Value.Known)));

        JsonElement? Schema(Type type) => serializers.SchemaOf(type) is { } schema && (room -= schema.GetRawText().Length) >= 0 ? schema
            : null;

        void Add(string name, Type type, string who)
        {
            string text = TypeNames.ToStore(type);
            if (known.TryAdd(name, (type, text, who)) || known[name].Type == text) return;
            problems.Add(
                $"The stream {name} has values of the type {known[name].Type} for {known[name].Who} and {text} for {who.TrimEnd(',')}. "
                    + $"Change one of them.");
        }
    }
}

/// <summary>The type of a stream's values, as other programs see it.</summary>
/// <param name="Name">Its short name.</param>
/// <param name="Schema">Its JSON schema; null if there is none.</param>
internal readonly record struct FlowType(string Name, JsonElement? Schema);
