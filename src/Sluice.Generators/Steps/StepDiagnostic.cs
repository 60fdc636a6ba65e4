using System;
using Microsoft.CodeAnalysis.Text;

namespace Sluice.Generators;

/// <summary>A diagnostic with value equality, so that an unchanged step is not generated again.</summary>
internal sealed class StepDiagnostic(DiagnosticDescriptor rule, Location location, params string[] arguments) : IEquatable<StepDiagnostic>
{
    private readonly DiagnosticDescriptor rule = rule;
    private readonly string[] arguments = arguments;
    private readonly string path = location.SourceTree?.FilePath ?? "";
    private readonly TextSpan span = location.SourceSpan;
    private readonly LinePositionSpan lines = location.GetLineSpan().Span;

    public Diagnostic ToDiagnostic() => Diagnostic.Create(rule, Location.Create(path, span, lines), arguments);

    public bool Equals(StepDiagnostic? other) => other is not null && rule.Id == other.rule.Id && path == other.path && span == other.span
        && lines == other.lines
        && string.Join("\n", arguments) == string.Join("\n", other.arguments);

    public override bool Equals(object? other) => Equals(other as StepDiagnostic);

    public override int GetHashCode() => span.GetHashCode();
}
