using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators;

/// <summary>SLU020, a chain that begins with something that is no source: <c>list | Twice</c>, <c>Twice | Print</c>, <c>[a, b] | Print</c>. The compiler only says that the operator cannot be applied.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NoSourceAnalyzer : StageAnalyzer
{
    private const string Id = "SLU020";
    private const string Title = "A chain that begins with no source";
    private const string Description = "A chain of stages begins with a source, or with Pipe.Of.";

    private static readonly DiagnosticDescriptor Items = Rules.Error(Id, Title, "'{0}' is no source: write 'Source.From({0}) | …'", Description);

    private static readonly DiagnosticDescriptor Function = Rules.Error(Id, Title,
        "'{0}' is a function, and a chain begins with a source ('source | {0} | …') or with a pipe ('Pipe.Of<{1}>() | {0} | …')", Description);

    private static readonly DiagnosticDescriptor Brackets = Rules.Error(Id, Title,
        "Brackets at the beginning have no items: put the source of the branches before them ('source | {0} | …'); sources are merged by 'Source.Merge(a, b) | …'", Description);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Items, Function, Brackets];

    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterSyntaxNodeAction(action => Check(action, symbols), SyntaxKind.BitwiseOrExpression);

    private static void Check(SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var stage = (BinaryExpressionSyntax)context.Node;
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(stage, context.CancellationToken).Symbol is not null || !IsStage(stage.Right.WithoutParentheses(), model, symbols)) return;

        var left = stage.Left.WithoutParentheses();
        var type = model.GetTypeInfo(left, context.CancellationToken).Type;
        string text = StageText.Short(left);
        if (left is CollectionExpressionSyntax) Report(Brackets, text);
        else if (type is not null && SluiceSymbols.IsSequence(type)) Report(Items, text);
        else if (model.MethodGroup(left) is { Length: 1 } group && group[0] is { Parameters.IsEmpty: false } function)
            Report(Function, text, function.Parameters[0].Type.ToMinimalDisplayString(model, left.SpanStart));

        void Report(DiagnosticDescriptor rule, params object[] words) => context.ReportDiagnostic(Diagnostic.Create(rule, left.GetLocation(), words));
    }

    private static bool IsStage(ExpressionSyntax right, SemanticModel model, SluiceSymbols symbols) =>
        right is LambdaExpressionSyntax || model.MethodGroup(right).Length > 0 || (model.GetTypeInfo(right).Type is { } type && symbols.IsOurs(type));
}
