using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>A text in the sources that an operator sees as a problem: by <c>Snapshot().Problem</c>, or as a reason of a health
/// check.</summary>
/// <param name="Path">The source.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Text">The text, with <c>…</c> for what is filled in.</param>
internal sealed record ProblemText(string Path, int Line, string Text)
{
    private const string Hole = "…";

    /// <summary>Members that make a text which others show, by the names of file and member.</summary>
    internal static readonly HashSet<string> Makers =
    [
        "CodeVersionGate.Why", "GroupMember.JoinAsync", "GroupMembership.Sinks.WhySinksWait",
        "HostedConsecutor.Problem", "HostedConsecutor.Stopped", "HostedPipeline.Failure", "NamedOutputs.Wait", "OutputReservations.Problem",
        "PendingSends.Problem", "Rounds.Entrances.WhyNothingBegins", "Rounds.WhyHeldUp", "StoppedPartitions.Stop",
    ];

    /// <summary>Calls and values in an assignment whose texts are found elsewhere: in <see cref="Makers"/>, or in the variable's own
    /// assignment.</summary>
    private static readonly HashSet<string> Elsewhere =
        ["WhySinksWait", "WhyHeldUp", "core.Outputs.Wait", "FailureText.Of", "why", "problem", "before", "full", "noPlace", "turns",
            "Problem"];

    public static List<ProblemText> All()
        => [.. Repository.Files("src/Sluice", "*.cs").Concat(Repository.Files("src/Sluice.Hosting", "*.cs")).SelectMany(In).Distinct()];

    /// <summary>All strings in a source.</summary>
    public static IEnumerable<string> Strings(string path) => StringsIn(Compiler.Tree(path).GetRoot()).Select(static text => TextOf(text));

    private static IEnumerable<ProblemText> In(string path)
    {
        SyntaxNode root = Compiler.Tree(path).GetRoot();
        string file = System.IO.Path.GetFileNameWithoutExtension(path);
        var expressions = root.DescendantNodes().OfType<AssignmentExpressionSyntax>().Where(IsProblem)
            .SelectMany(static set => Texts(set.Right))
            .Concat(root.DescendantNodes().OfType<InvocationExpressionSyntax>().Where(IsReason)
                .SelectMany(static call => StringsIn(call.ArgumentList.Arguments[0])))
            .Concat(root.DescendantNodes().OfType<MemberDeclarationSyntax>()
                .Where(member => Makers.Contains($"{file}.{NameOf(member)}")).SelectMany(StringsIn));
        return expressions.Select(text => new ProblemText(path, text.GetLocation().GetLineSpan().StartLinePosition.Line + 1, TextOf(text)))
            .Where(static text => text.Text.Contains(' ', StringComparison.Ordinal) && text.Text.Any(char.IsLetter)
                && text.Text is not [' ' or ';', ..]);
    }

    private static bool IsProblem(AssignmentExpressionSyntax set) => set.Left.ToString() is var left
        && (left is "Problem" or "endProblem" or "problem" or "core.Problem" || left.Contains("roblems.", StringComparison.Ordinal))
        && set.SyntaxTree.FilePath is var path
        && (path.Contains("/Delivery/", StringComparison.Ordinal) || path.Contains("/Flows/Hosting/", StringComparison.Ordinal));

    private static bool IsReason(InvocationExpressionSyntax call) => call.Expression.ToString()
        is "report.Failed.Add" or "report.Degraded.Add" or "HealthCheckResult.Unhealthy" && call.ArgumentList.Arguments.Count > 0;

    private static string? NameOf(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        PropertyDeclarationSyntax property => property.Identifier.Text,
        _ => null,
    };

    private static IEnumerable<ExpressionSyntax> Texts(ExpressionSyntax value)
    {
        var nodes = value.DescendantNodesAndSelf(static node => node is not InterpolatedStringExpressionSyntax);
        foreach (string unknown in nodes.Select(static node => node switch
        {
            InvocationExpressionSyntax call => call.Expression.ToString(),
            IdentifierNameSyntax { Parent: ConditionalExpressionSyntax or AssignmentExpressionSyntax } name => name.Identifier.Text,
            _ => null,
        }).OfType<string>())
            Assert.True(Elsewhere.Contains(unknown), $"{value.SyntaxTree.FilePath}: '{unknown}' is shown as a problem. Add the member that "
                + $"makes its text to {nameof(ProblemText)}.{nameof(Makers)}, and the name to {nameof(Elsewhere)}.");
        return StringsIn(value);
    }

    /// <summary>The strings in a node, each sum as one.</summary>
    private static IEnumerable<ExpressionSyntax> StringsIn(SyntaxNode node)
        => node.DescendantNodesAndSelf(static each => !IsString(each)).OfType<ExpressionSyntax>().Where(IsString);

    private static bool IsString(SyntaxNode node)
        => node is InterpolatedStringExpressionSyntax or LiteralExpressionSyntax { RawKind: (int)SyntaxKind.StringLiteralExpression }
            || (node is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum
                && (IsString(sum.Left) || IsString(sum.Right)));

    private static string TextOf(ExpressionSyntax text) => text switch
    {
        LiteralExpressionSyntax literal => literal.Token.ValueText,
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum => TextOf(sum.Left) + TextOf(sum.Right),
        InterpolatedStringExpressionSyntax parts => string.Concat(parts.Contents.Select(static part => part switch
        {
            InterpolatedStringTextSyntax plain => plain.TextToken.ValueText,
            InterpolationSyntax hole => Filled(hole.Expression),
            _ => Hole,
        })),
        ParenthesizedExpressionSyntax inner => TextOf(inner.Expression),
        _ => Hole,
    };

    /// <summary>A hole; but a variable of the same method that is made of text is that text, and a choice is its first text.</summary>
    private static string Filled(ExpressionSyntax value)
    {
        if (value is IdentifierNameSyntax name && value.FirstAncestorOrSelf<BaseMethodDeclarationSyntax>() is { } method)
            value = method.DescendantNodes().OfType<VariableDeclaratorSyntax>()
                .FirstOrDefault(variable => variable.Identifier.Text == name.Identifier.Text)?.Initializer?.Value ?? value;
        while (value is ParenthesizedExpressionSyntax inner) value = inner.Expression;
        if (value is ConditionalExpressionSyntax choice) value = choice.WhenTrue;
        return IsString(value) ? TextOf(value) : Hole;
    }
}
