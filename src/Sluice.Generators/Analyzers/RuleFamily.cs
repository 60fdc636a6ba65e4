namespace Sluice.Generators;

/// <summary>The rules of one id, which differ in their messages.</summary>
/// <param name="title">The title of the rules.</param>
/// <param name="description">The description of the rules.</param>
internal sealed class RuleFamily(string title, string description)
{
    // Each call has the id as a literal: the compiler's release tracking reads it there.
    public DiagnosticDescriptor Warning(string id, string message) => Rules.Warning(id, title, message, description);

    public DiagnosticDescriptor Error(string id, string message) => Rules.Error(id, title, message, description);
}
