using Microsoft.CodeAnalysis;

namespace Sluice.Generators;

/// <summary>What all rules share: their category and where their documentation is.</summary>
internal static class Rules
{
    private const string Category = "Sluice";
    private const string Documentation = "docs/analyzers.md#";

    public static DiagnosticDescriptor Warning(string id, string title, string message, string description) =>
        new(id, title, message, Category, DiagnosticSeverity.Warning, isEnabledByDefault: true, description,
            Documentation + id.ToLowerInvariant());
}
