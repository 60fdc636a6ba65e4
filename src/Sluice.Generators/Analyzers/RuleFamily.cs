namespace Sluice.Generators;

/// <summary>Rules of one id: they differ in their messages.</summary>
/// <param name="title">Their title.</param>
/// <param name="description">Their description.</param>
internal sealed class RuleFamily(string title, string description)
{
    // The id is given each time, because the compiler's release tracking reads it from the call.
    public DiagnosticDescriptor Warning(string id, string message) => Rules.Warning(id, title, message, description);

    public DiagnosticDescriptor Error(string id, string message) => Rules.Error(id, title, message, description);
}
