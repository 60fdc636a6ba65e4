using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Sluice.Cli.Graphs;

/// <summary>A static member of an assembly that is a graph, or returns one.</summary>
internal sealed record GraphMember(string Name, string Type);

/// <summary>Finds members of an assembly that are graphs. Reads the metadata only: no code of the assembly runs.</summary>
internal static class AssemblyMembers
{
    private static readonly string[] Graphs =
    [
        "Sluice.Pipeline", "Sluice.Source<", "Sluice.Pipe<", "Sluice.Sink<", "Sluice.Consecutor<", "Sluice.Topologies.Topology",
        "Sluice.Flows.Flow", "Sluice.Graphs.Graph<", "Sluice.Graphs.DataFlow",
    ];

    /// <summary>The members, by name.</summary>
    public static IReadOnlyList<GraphMember> Read(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            using var assembly = new PEReader(stream);
            if (!assembly.HasMetadata) throw CommandException.Usage($"{file} is no .NET assembly.");
            MetadataReader reader = assembly.GetMetadataReader();
            return [.. reader.TypeDefinitions.SelectMany(type => Of(reader, reader.GetTypeDefinition(type)))
                .DistinctBy(static one => one.Name).OrderBy(static one => one.Name, StringComparer.Ordinal)];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or BadImageFormatException)
        {
            throw CommandException.Usage($"{file} cannot be read as an assembly: {unreadable.Message}");
        }
    }

    /// <summary>Finds a member by its name, or by the end of its name if that is unique.</summary>
    public static GraphMember Find(string file, IReadOnlyList<GraphMember> members, string name)
    {
        GraphMember[] found = [.. members.Where(one => one.Name == name)];
        if (found.Length == 0) found = [.. members.Where(one => one.Name.EndsWith("." + name, StringComparison.Ordinal))];
        return found switch
        {
            [var only] => only,
            [] => throw CommandException.NotFound($"{file} has no graph '{name}'. sluice graph {file} lists them."),
            _ => throw CommandException.Usage($"'{name}' is the end of {found.Length} names: "
                + $"{string.Join(", ", found.Take(5).Select(static one => one.Name))}."),
        };
    }

    private static IEnumerable<GraphMember> Of(MetadataReader reader, TypeDefinition type)
    {
        string owner = MemberTypeNames.NameOf(reader, type);
        // Nothing can be read of an open generic type; compilers' types have names that no user writes.
        if (type.GetGenericParameters().Count > 0 || owner.Contains('<', StringComparison.Ordinal)) yield break;
        foreach (FieldDefinition field in type.GetFields().Select(reader.GetFieldDefinition))
            if (field.Attributes.HasFlag(FieldAttributes.Static)
                && !reader.GetString(field.Name).Contains('<', StringComparison.Ordinal)
                && Graph(field.DecodeSignature(MemberTypeNames.Instance, null)) is { } found)
                yield return new($"{owner}.{reader.GetString(field.Name)}", found);
        foreach (MethodDefinition method in type.GetMethods().Select(reader.GetMethodDefinition))
        {
            string name = reader.GetString(method.Name);
            MethodSignature<string> signature = method.DecodeSignature(MemberTypeNames.Instance, null);
            if (!method.Attributes.HasFlag(MethodAttributes.Static) || name.Contains('<', StringComparison.Ordinal)
                || signature.ParameterTypes.Length > 0
                || signature.GenericParameterCount > 0 || Graph(signature.ReturnType) is not { } found) continue;
            bool isProperty = name.StartsWith("get_", StringComparison.Ordinal)
                && method.Attributes.HasFlag(MethodAttributes.SpecialName);
            yield return new($"{owner}.{(isProperty ? name[4..] : name)}", found);
        }

        string? Graph(string of) => !of.Contains('!', StringComparison.Ordinal)
            && Array.Exists(Graphs, graph => graph.EndsWith('<') ? of.StartsWith(graph, StringComparison.Ordinal) : of == graph)
            ? of : null;
    }
}
