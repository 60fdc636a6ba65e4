namespace Worker;

/// <summary>An item that the worker accepts: <c>{"id": "1", "text": "hello"}</c>.</summary>
public sealed record Item(string Id, string Text);
