using System;
using System.Linq;
using System.Text.RegularExpressions;

namespace Sluice.Walls;

/// <summary>Converts parts of a declaration for sources to pipes.</summary>
internal static class PipeTypes
{
    /// <summary><c>Source&lt;T&gt;</c> or <c>RefusedSource&lt;T&gt;</c> becomes <c>Pipe&lt;TIn, T&gt;</c>,
    /// and <c>Pipeline</c> becomes <c>Sink&lt;TIn&gt;</c>.</summary>
    public static string Of(TypeSyntax type) => type switch
    {
        GenericNameSyntax { Identifier.ValueText: "Source" or "RefusedSource" } source
            => $"Pipe<TIn, {source.TypeArgumentList.Arguments.Single()}>",
        IdentifierNameSyntax { Identifier.ValueText: "Pipeline" } => "Sink<TIn>",
        _ => throw new NotSupportedException($"{type} has no counterpart for pipes."),
    };

    /// <summary>>Returns the name of the class for pipes: <c>Pipe…</c> for <c>Source…</c>, or else the same name.</summary>
    public static string ClassName(string original)
        => original.StartsWith("Source", StringComparison.Ordinal) ? "Pipe" + original.Substring("Source".Length) : original;

    public static bool IsSource(TypeSyntax? type) => type is GenericNameSyntax { Identifier.ValueText: "Source" };

    public static string TypeParameters(TypeParameterListSyntax? list)
        => $"<TIn{string.Concat(list?.Parameters.Select(each => $", {each}") ?? [])}>";

    /// <summary>Converts the documentation of a member for sources to pipes: the receiver has another name, in examples too.</summary>
    public static string Documentation(string documentation, string receiver)
        => Regex.Replace(Regex.Replace(documentation, $"name=\"{receiver}\"", "name=\"pipe\""), @"<c>source\b", "<c>pipe");

    /// <summary>Returns the attributes of a member, each on a line, without the marks for this generator.</summary>
    public static string Attributes(SyntaxList<AttributeListSyntax> lists, string indent)
        => string.Concat(lists.SelectMany(list => list.Attributes)
            .Where(each => each.Name.ToString() is not ("AlsoForPipes" or "OpensBrackets" or "ClosesBrackets"))
            .Select(each => $"{indent}[{each}]\n"));

    public static bool Has(SyntaxList<AttributeListSyntax> lists, string name)
        => lists.Any(list => list.Attributes.Any(each => each.Name.ToString() == name));
}
