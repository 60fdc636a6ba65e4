using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators;

/// <summary>SLU021, an operator that is written like a function: <c>numbers | Where(n => n > 2)</c>. The compiler only says that there is no such name.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OperatorNameAnalyzer : StageAnalyzer
{
    private const string Id = "SLU021";
    private const string Title = "An operator that is written like a function";
    private const string Description = "Operators are methods of sources and pipes; those that C# can infer are also static methods of Pipe.";

    private static readonly DiagnosticDescriptor Method = Rules.Error(Id, Title,
        "'{0}' is a method of sources and pipes: write '(… | {1}).{0}(…)' and go on with '|'", Description);

    private static readonly DiagnosticDescriptor Form = Rules.Error(Id, Title,
        "'{0}' is a method of sources and pipes: write '(… | {1}).{0}(…)', or '| Pipe.{0}(…)', where a lambda states the type of its parameter", Description);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Method, Form];

    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterSyntaxNodeAction(action => Check(action, symbols), SyntaxKind.BitwiseOrExpression);

    private static void Check(SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var stage = (BinaryExpressionSyntax)context.Node;
        var model = context.SemanticModel;
        if (stage.Right.WithoutParentheses() is not InvocationExpressionSyntax { Expression: SimpleNameSyntax name } call) return;
        if (model.GetSymbolInfo(call, context.CancellationToken) is not { Symbol: null, CandidateSymbols.IsEmpty: true }) return;
        if (symbols.ItemOf(model.GetTypeInfo(stage.Left, context.CancellationToken).Type) is null) return;

        string text = name.Identifier.Text;
        if (!symbols.HasOperator(text)) return;
        context.ReportDiagnostic(Diagnostic.Create(symbols.HasForm(text) ? Form : Method, name.GetLocation(), text, StageText.LastStage(stage.Left, model)));
    }
}
