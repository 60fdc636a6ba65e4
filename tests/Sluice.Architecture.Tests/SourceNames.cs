using System.Collections.Concurrent;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>The names in the code of a source file, without those in comments, as they are written.</summary>
internal sealed class SourceNames
{
    private static readonly ConcurrentDictionary<string, SourceNames?> Files = new();

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    private readonly HashSet<string> _declared = new(StringComparer.Ordinal);

    private readonly List<(string, string, int)> _members = [];

    internal SourceNames(SyntaxTree tree)
    {
        foreach (SyntaxToken token in tree.GetRoot().DescendantTokens().Where(static token => token.IsKind(SyntaxKind.IdentifierToken)))
        {
            if (!_lines.ContainsKey(token.ValueText)) _lines.Add(token.ValueText, LineAt(token));
            if (token.Parent is VariableDeclaratorSyntax or MemberDeclarationSyntax or ParameterSyntax) _declared.Add(token.ValueText);
            if (token.Parent is SimpleNameSyntax member && TypeBefore(member) is { } type)
                _members.Add((type, token.ValueText, LineAt(token)));
        }

        int LineAt(SyntaxToken token) => tree.GetText().Lines.GetLineFromPosition(token.SpanStart).LineNumber + 1;
    }

    /// <summary>Names behind a dot, each with the name before it and its line: <c>Kind.Some</c>.</summary>
    internal IReadOnlyList<(string Type, string Member, int Line)> Members => _members;

    /// <summary>The names in a file of the repository; null if there is no such file. Read once for all tests.</summary>
    internal static SourceNames? In(string path) => Files.GetOrAdd(path, static path
        => File.Exists(Path.Combine(Repository.Root, path)) ? new(Compiler.Tree(path)) : null);

    /// <summary>Returns the first line that names the type of a symbol; null if none does.</summary>
    internal int? LineOf(UsedSymbol symbol)
    {
        string name = symbol.Type[(symbol.Type.LastIndexOf('.') + 1)..];
        if (_lines.TryGetValue(name, out int line)) return line;
        const string Suffix = "Attribute";
        return name.EndsWith(Suffix, StringComparison.Ordinal) && _lines.TryGetValue(name[..^Suffix.Length], out line) ? line : null;
    }

    /// <summary>Returns whether the file declares a member of this name.</summary>
    internal bool Declares(string member) => _declared.Contains(member);

    private static string? TypeBefore(SimpleNameSyntax member) => member.Parent switch
    {
        MemberAccessExpressionSyntax access when access.Name == member => Last(access.Expression),
        QualifiedNameSyntax name when name.Right == member => Last(name.Left),
        _ => null,
    };

    private static string? Last(SyntaxNode before) => before switch
    {
        SimpleNameSyntax name => name.Identifier.ValueText,
        MemberAccessExpressionSyntax access => access.Name.Identifier.ValueText,
        QualifiedNameSyntax name => name.Right.Identifier.ValueText,
        _ => null,
    };
}
