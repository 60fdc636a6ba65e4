namespace Sluice.Generators;

/// <summary>Creates the rules, with their common category and the address of their documentation.</summary>
internal static class Rules
{
    private const string Category = "Sluice";
    private const string Documentation = "docs/analyzers.md#";

    public static DiagnosticDescriptor Warning(string id, string title, string message, string description) =>
        Rule(id, title, message, DiagnosticSeverity.Warning, description);

    public static DiagnosticDescriptor Error(string id, string title, string message, string description) =>
        Rule(id, title, message, DiagnosticSeverity.Error, description);

    private static DiagnosticDescriptor Rule(string id, string title, string message, DiagnosticSeverity severity, string description) =>
        new(id, title, message, Category, severity, isEnabledByDefault: true, description, Documentation + id.ToLowerInvariant());
}
