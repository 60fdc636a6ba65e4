using System;
using Microsoft.CodeAnalysis.Text;

namespace Sluice.Generators;

/// <summary>A diagnostic with value equality, so that an unchanged step is not generated again.</summary>
internal sealed class StepDiagnostic(DiagnosticDescriptor rule, Location location, string message) : IEquatable<StepDiagnostic>
{
    private readonly DiagnosticDescriptor rule = rule;
    private readonly string message = message;
    private readonly string path = location.SourceTree?.FilePath ?? "";
    private readonly TextSpan span = location.SourceSpan;
    private readonly LinePositionSpan lines = location.GetLineSpan().Span;

    public Diagnostic ToDiagnostic() => Diagnostic.Create(rule, Location.Create(path, span, lines), message);

    public bool Equals(StepDiagnostic? other) => other is not null && rule.Id == other.rule.Id && path == other.path && span == other.span
        && lines == other.lines && message == other.message;

    public override bool Equals(object? other) => Equals(other as StepDiagnostic);

    public override int GetHashCode() => span.GetHashCode();
}
