using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators;

/// <summary>
/// SLU008, the reason of brackets that fit nowhere: <c>source | [Print, s => s | F | Save]</c>. Ends of one kind are an array, whose type
/// tells the compiler what each of them is; ends of several kinds are told apart by their own types, and an overloaded method, or a lambda
/// whose parameter has no type, has none. The compiler only says that the operator cannot be applied to a collection expression.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BracketMisfitAnalyzer : StageAnalyzer
{
    private const string Id = "SLU008";
    private const string Title = "An end in brackets whose kind cannot be told";
    private const string Description =
        "Where brackets hold ends of several kinds, each of them must have a type of its own.";

    private static readonly DiagnosticDescriptor Lambda = Rules.Error(Id, Title,
        "The ends in these brackets are of several kinds, so a lambda needs the type of its parameter: write '({1} {0}) => …'", Description);

    private static readonly DiagnosticDescriptor Overloaded = Rules.Error(Id, Title,
        "The ends in these brackets are of several kinds, and '{0}' is overloaded or generic, so it has no type of its own: write "
        + "'({1} item) => {0}(item)'", Description);

    private static readonly DiagnosticDescriptor Nested = Rules.Error(Id, Title,
        "Brackets in brackets have no type: a branch that divides its items again is a lambda, '({0} s) => s | {1}', or a pipe, 'Pipe.Of<{2}>() | {1}'", Description);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Lambda, Overloaded, Nested];

    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterSyntaxNodeAction(action => Check(action, symbols), SyntaxKind.BitwiseOrExpression);

    private static void Check(SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var stage = (BinaryExpressionSyntax)context.Node;
        var model = context.SemanticModel;
        if (stage.Right.WithoutParentheses() is not CollectionExpressionSyntax brackets) return;
        if (model.GetSymbolInfo(stage, context.CancellationToken).Symbol is not null) return;
        if (symbols.ItemOf(model.GetTypeInfo(stage.Left, context.CancellationToken).Type) is not { } item) return;

        var type = item.ToMinimalDisplayString(model, brackets.SpanStart);
        foreach (var inner in brackets.Elements.OfType<ExpressionElementSyntax>().Select(element => element.Expression.WithoutParentheses()).OfType<CollectionExpressionSyntax>())
        {
            context.ReportDiagnostic(Diagnostic.Create(Nested, inner.GetLocation(), $"Source<{type}>", StageText.Short(inner), type));
            return;
        }

        foreach (var end in brackets.Elements.OfType<ExpressionElementSyntax>().Select(element => element.Expression))
        {
            if (end.WithoutParentheses() is LambdaExpressionSyntax lambda)
            {
                if (lambda.Parameter() is not { Type: null } parameter) continue;
                context.ReportDiagnostic(Diagnostic.Create(
                    Lambda, end.GetLocation(), parameter.Identifier.Text, IsBranch(lambda) ? $"Source<{type}>" : type));
            }
            else if (model.MethodGroup(end) is { Length: > 0 } methods
                && (methods.Length > 1 || (methods[0].IsGenericMethod && end.DescendantNodesAndSelf().Last() is IdentifierNameSyntax)))
            {
                context.ReportDiagnostic(Diagnostic.Create(Overloaded, end.GetLocation(), end.ToString(), type));
            }
        }
    }

    /// <summary>Whether the lambda goes on with stages, and so is given the source, not an item.</summary>
    private static bool IsBranch(LambdaExpressionSyntax lambda) =>
        lambda.ExpressionBody?.WithoutParentheses() is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.BitwiseOrExpression };
}
