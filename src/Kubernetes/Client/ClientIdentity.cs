namespace Framelease.Kubernetes.Client;

/// <summary>PEM of a certificate and its key, by which we show who we are.</summary>
sealed record ClientIdentity(byte[] Certificate, byte[] Key);

/// <summary>What a request carries: a bearer token, or the certificate of its connection, or both, or nothing.</summary>
sealed record Credential(string? Token, ClientIdentity? Identity);
